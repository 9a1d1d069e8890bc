"""The engines, each keeping the promises of `broker.ports`."""

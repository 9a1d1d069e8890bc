"""The port Hub, twice: in the broker's own process, and over HTTP."""

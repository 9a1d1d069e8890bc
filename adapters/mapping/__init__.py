"""From readings to entities, as a YAML file says; pure."""

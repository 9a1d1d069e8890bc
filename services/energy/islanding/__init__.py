"""Living through a blackout: what state the district is in, who is kept on, how long, and how it comes back."""

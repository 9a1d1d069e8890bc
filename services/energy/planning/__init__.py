"""What will be made and used, and when batteries and cars had better charge; what the district reaches."""

"""The commands of `misono`, one a file."""

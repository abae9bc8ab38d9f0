"""A PostgreSQL that an instance carries with it: its programs, its folder, its process."""

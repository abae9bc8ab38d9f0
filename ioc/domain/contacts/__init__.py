"""The directory: units that act, their contacts, and what came of calling one."""

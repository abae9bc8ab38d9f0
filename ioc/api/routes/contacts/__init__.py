"""Units, contacts, and whom to call."""

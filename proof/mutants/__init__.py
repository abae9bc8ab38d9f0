"""Broken variants of the system: a proof that does not catch its own is no evidence."""

"""Lookup tables: what a pack declares of them, and their rows."""

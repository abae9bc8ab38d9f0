"""Change: a reading against the one before it."""

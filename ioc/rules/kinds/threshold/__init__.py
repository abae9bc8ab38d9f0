"""Threshold: the reading itself, held against the levels."""

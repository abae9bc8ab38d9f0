"""Silences, and what one would hide."""

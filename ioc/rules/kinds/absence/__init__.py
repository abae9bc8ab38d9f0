"""Absence: a key of which nothing is heard."""

"""Sequence: one thing after another."""

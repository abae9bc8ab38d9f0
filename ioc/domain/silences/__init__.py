"""Silences: alerts of which nothing is heard for a while."""

"""Maintenance windows: kept, begun and ended."""

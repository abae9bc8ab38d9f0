"""Silences: kept, begun and ended."""

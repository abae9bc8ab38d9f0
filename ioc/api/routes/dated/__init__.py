"""Dated rows: limits and lookup tables, read and changed by people, and the sheets of both."""

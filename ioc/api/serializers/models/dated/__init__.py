"""Dated rows: limits, rows of lookup tables, and the sheets of both."""

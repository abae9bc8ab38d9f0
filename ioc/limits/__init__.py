"""Limits in sheets: what a row of a table may say, what a sheet would change, and the sheets that are written."""

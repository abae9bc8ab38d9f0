"""Devices in sheets: their columns, what a sheet would change in the registry, and the sheets that are written."""

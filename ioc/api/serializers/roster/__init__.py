"""Shifts, who is on duty, and where nobody is, as JSON."""

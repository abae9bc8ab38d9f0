"""Alerts and their evidence."""

"""Maintenance of devices."""

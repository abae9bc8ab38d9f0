"""Incidents: which alerts are one situation, as the pack says it."""

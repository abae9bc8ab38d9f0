"""Alerts: the engine's side, people's work, and reading both together."""

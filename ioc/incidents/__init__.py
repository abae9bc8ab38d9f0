"""Alerts to incidents: a second pure fold, over the transitions that the first one made."""

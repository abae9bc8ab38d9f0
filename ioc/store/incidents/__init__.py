"""Incidents: written by the engine in the transaction of the transitions that move them, read inside the wall."""

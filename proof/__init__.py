"""Faults on purpose: real instances are started, killed and cut, and what was promised is checked from outside."""

"""Devices, messages to them, and what was refused of them."""

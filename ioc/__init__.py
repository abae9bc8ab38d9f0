"""Intelligent Operations Center: from a device's reading to an alert on an operator's screen."""

from ioc.runtime import compiled

__version__ = "0.2.0"
NOT_COMPILED = compiled.use()
"""Why the rules run as Python in this process; empty where they run compiled."""

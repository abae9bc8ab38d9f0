"""Intelligent Operations Center: from a device's reading to an alert on an operator's screen."""

__version__ = "0.1.0"

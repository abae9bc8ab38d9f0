"""Indicators of the plan, their periods and their figures."""

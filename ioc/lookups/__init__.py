"""Rows of lookup tables: what one may say, which of them an alert is told with, and their sheets."""

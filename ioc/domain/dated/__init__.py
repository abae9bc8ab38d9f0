"""Rows of tables that people keep, each on its days: what a limit and a row of a lookup table share."""

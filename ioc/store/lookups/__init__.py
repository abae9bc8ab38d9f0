"""Rows of lookup tables: which kind of dated rows they are, and how people and alerts read them."""

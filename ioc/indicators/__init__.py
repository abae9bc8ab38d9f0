"""Indicators of the plan: figures read from sheets and checked cell by cell, what follows from them, sheets written."""

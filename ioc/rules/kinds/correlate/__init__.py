"""Correlate: conditions of other rules that fire together."""

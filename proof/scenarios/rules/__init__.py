"""Proofs that alerts are what the rules say of the log."""

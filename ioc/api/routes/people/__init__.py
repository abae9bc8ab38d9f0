"""Signing in, accounts, keys, the audit trail."""

"""Figures of indicators and the imports that bring them: sent, approved, rejected, undone; each in one transaction."""

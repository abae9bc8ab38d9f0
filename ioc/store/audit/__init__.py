"""The audit trail, and anchors of its chain."""

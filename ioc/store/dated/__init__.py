"""Dated rows of any kind: how they stand, who changed them why, and the sheets that brought them."""

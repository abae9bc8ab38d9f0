"""Limits by device, class and area: which kind of dated rows they are, those of the pack, and how people read them."""

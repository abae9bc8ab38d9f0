"""Order: what is measured, held against what was ordered for that hour."""

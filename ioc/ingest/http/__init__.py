"""The HTTP door: one reading or many, and CloudEvents."""

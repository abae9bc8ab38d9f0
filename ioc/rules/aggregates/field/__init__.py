"""Measures of the field: air, rain, forest fire, noise, percentiles. Pure arithmetic on what was measured."""

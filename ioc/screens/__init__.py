"""The operator screens as built files: served, never made here."""

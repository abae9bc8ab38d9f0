"""From bytes to a committed batch: decode, validate, locate, prepare, batch."""

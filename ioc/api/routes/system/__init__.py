"""The instance itself: health, status, the stream, the tour."""

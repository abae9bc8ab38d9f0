"""Zone: inside or outside of a place on the map."""

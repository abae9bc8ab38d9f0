"""What windows remember of their readings, and the measures made of it."""

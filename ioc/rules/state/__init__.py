"""What the engine remembers between entries, and the life of one key: levels, timers, its alert."""

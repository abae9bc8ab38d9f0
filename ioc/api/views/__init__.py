"""What several routes show, made once: tiles, gauges, checks of rules' texts, changes after a position."""

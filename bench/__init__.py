"""Benches: what the whole does on this machine, side by side in one run. `make bench` prints them."""

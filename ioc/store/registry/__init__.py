"""Devices, areas, layers and the keys of machines, with the version that rises at every change."""

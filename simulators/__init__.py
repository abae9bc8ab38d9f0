"""Simulated devices of the city: seeded, and speaking only the wire (MQTT and HTTP), never the house's own code."""

"""Simulated devices of the city: seeded, and speaking only MQTT and HTTP, with none of the product's own code."""

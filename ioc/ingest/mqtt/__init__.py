"""The MQTT door: sockets, connections, what a device may do, and how its messages become deliveries."""

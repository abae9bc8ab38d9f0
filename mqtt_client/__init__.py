"""An MQTT client of our own for simulated devices, replays, proofs and benches; it imports nothing of the rest.

Its packets are written here and not with the door's codec: a client that shares the codec would share its faults.
"""

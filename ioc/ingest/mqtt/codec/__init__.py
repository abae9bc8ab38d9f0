"""MQTT 3.1.1 and 5 as values and bytes, without any I/O.

`decoder` cuts what a peer sends into `packets`, `encode` writes them, `topics` says which filter matches which name,
and `reasons` holds the reason codes and the one error that a peer's bytes can cause.
"""

"""Sessions of devices, messages to them, and topics."""

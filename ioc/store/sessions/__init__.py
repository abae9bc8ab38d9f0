"""Sessions of devices over MQTT: who holds which, messages that wait, wills, doors that live."""

"""Who comes to an instance: devices, writers, screens, honest callers and those who mean harm."""

"""CloudEvents 1.0 in JSON, one event or a batch of them."""

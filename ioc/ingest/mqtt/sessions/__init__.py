"""A device's MQTT session: subscriptions, messages under way, wills, and the worker that stores them."""

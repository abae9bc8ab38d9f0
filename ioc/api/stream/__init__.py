"""The event stream: one poller of the change feed, fanned out as Server-Sent Events."""

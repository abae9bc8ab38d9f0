"""EVENT -> ALERT: rules as data, a pure fold over the log, and the worker that drives it."""

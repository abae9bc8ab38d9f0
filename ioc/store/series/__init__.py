"""Roll-ups: newest values and buckets, written by the worker, read by people."""

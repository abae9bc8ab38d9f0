"""What stands between a socket and the API: the guard of connections, TLS, certificates."""

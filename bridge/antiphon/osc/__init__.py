"""OSC over UDP: the address table, the codec, the client registry and the server."""

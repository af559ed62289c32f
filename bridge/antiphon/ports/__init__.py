"""MIDI ports: back ends, the port process that owns them, and the link to it."""

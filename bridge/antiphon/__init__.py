"""Antiphon: a live partner for musicians, over MIDI and OSC."""

__version__ = "0.1.0"

"""Modes: what the partner does with what it hears. One file a mode, pure functions only."""

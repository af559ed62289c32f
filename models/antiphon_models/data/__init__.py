"""From MIDI files to training batches: reading, repairing, finding doubles, streaming."""

"""Where the beat comes from: our own clock, MIDI clock, or a DAW's transport over OSC."""

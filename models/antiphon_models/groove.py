"""What the DIC makes of a rhythm: a player's touch for straight patterns, and drums to a phrase."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from antiphon.music import DRUM_CHANNEL, Beats, Note, Phrase, Voice
from antiphon_models.codec import HINTS, Code
from antiphon_models.editor import Editor
from antiphon_models.notation import Part, fit, midi_velocity, position_of
from antiphon_models.rolls import SIXTEENTH, SLOTS, FloatArray, Sheet, pitch_of, write_sheet


def humanised(part: Part, amount: float, random: np.random.Generator) -> list[Note]:
    """Play the notes of a part as the DIC, shown a flat roll, thinks they are played."""
    sheet = part.sheet
    felt = part.editor.codec.humanise(sheet.roll, part.position, random)
    velocity, offset = (values.ravel().tolist() for values in felt)
    notes = []
    for note, cell, _, late in part.plain.known:
        later = (offset[cell] - late) * SIXTEENTH
        notes.append(
            replace(
                note,
                start=Beats(note.start + amount * later),
                velocity=midi_velocity(
                    note.velocity + amount * (127 * velocity[cell] - note.velocity)
                ),
            )
        )
    made = [*notes, *part.plain.unknown]
    return fit(made, part.end, drop=False) if amount > 0 else made


def rhythm_of(phrase: Phrase, length: Beats) -> tuple[Sheet, FloatArray]:
    """Return the grid of a phrase as an empty drum sheet, and its rhythm as hints."""
    onsets = [replace(n, pitch=36, voice=Voice.DRUMS, channel=DRUM_CHANNEL) for n in phrase.notes]
    taps = write_sheet("drums", onsets, phrase.meter, length, phrase.bpm)
    hints = np.zeros((taps.grid.beats, HINTS), np.float32)
    hints[:, :SLOTS] = taps.roll[..., 0].max(-1)
    hints[:, SLOTS : 2 * SLOTS] = taps.roll[..., 1].max(-1)
    hints[:, -1] = 1.0
    return taps, hints


def groove_to(
    editor: Editor,
    rhythm: tuple[Sheet, FloatArray],
    phrase: Phrase,
    random: np.random.Generator,
) -> Phrase:
    """Decode a groove from a rhythm; chance moves what its style leaves open."""
    taps, hints = rhythm
    codec, where = editor.codec, position_of(taps)
    code = codec.encode(np.zeros_like(taps.roll), where, hints)
    style = code.style.copy()
    style[codec.named :] += 0.5 * random.normal(size=len(style) - codec.named)
    cells = codec.decode(Code(code.content, style.astype(np.float32)), where)
    level = math.log(codec.threshold / (1 - codec.threshold))
    hits = (cells.hit > level) & taps.grid.valid[:, :, None]
    if not hits.any():  # the rhythm says too little: the likeliest stroke of each beat
        hits[np.arange(len(hits)), 0, 0] = True
    notes = []
    for beat, slot, row in np.argwhere(hits).tolist():
        start = taps.grid.time(beat * SLOTS + slot)
        late = float(np.clip(cells.offset[beat, slot, row], -0.6, 0.6)) * SIXTEENTH
        loud = midi_velocity(127 * float(cells.velocity[beat, slot, row]))
        pitch = pitch_of("drums", row)
        note = Note(Beats(start + late), pitch, loud, Beats(SIXTEENTH), DRUM_CHANNEL, Voice.DRUMS)
        notes.append(note)
    return Phrase(tuple(notes), phrase.bpm, phrase.meter)

"""Going on with a piece: the work of ``antiphon continue``, on notes; the bridge has the files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from antiphon.model import Controls, Event, Player, Window
from antiphon.music import (
    DRUM_CHANNEL,
    TICKS_PER_BEAT,
    Beats,
    Meter,
    Note,
    Pedal,
    Ticks,
    Voice,
    scale_velocity,
)
from antiphon_models.events import notes_to_piece

SPILL: Final = Beats(0.25)
"""A note that is held this little past a bar line does not open another bar."""

AHEAD: Final = 64 * TICKS_PER_BEAT
"""How far the next onset may lie once the music may end."""

LAST_BEAT: Final = TICKS_PER_BEAT
"""The music sounds until this close to its end, so that it has the length asked for."""


def next_bar_line(notes: Sequence[Note], bar: Beats) -> Beats:
    """Return the bar line after the last bar that has notes; 0 if there are none."""
    if not notes:
        return Beats(0.0)
    after_onset = math.floor(max(n.start for n in notes) / bar + 1e-9) + 1
    after_end = math.ceil((max(n.end for n in notes) - SPILL) / bar)
    return Beats(max(after_onset, after_end, 0) * bar)


def continue_phrase(
    player: Player,
    notes: Sequence[Note],
    bpm: float,
    meter: Meter | None,
    bars: int,
    controls: Controls,
    seed: int,
) -> list[Note]:
    """Let the player go on where notes end.

    Parameters
    ----------
    player : Player
        In the style wanted; is begun anew.
    notes : sequence of Note
        What is continued, bar lines counted from beat 0.
    bpm : float
        Tempo; used in free time only.
    meter : Meter or None
        None for free time: beats mean nothing, and a bar is taken for four of them.
    bars : int
        Length of the continuation, which begins on the bar line after the last bar.
    controls : Controls
        How to play. The voices are those of `notes`, if there are any.
    seed : int
        Same seed, same arguments, same notes.

    Returns
    -------
    list of Note
        The new notes only, in order of onset, each on the channel that its voice mostly had
        in `notes` (drums else on 10, others on 1).
    """
    piece_meter = meter or Meter()
    # Pieces that begin before beat 0 are counted from a bar line before them.
    first = min((n.start for n in notes), default=0.0)
    origin = Beats(min(math.floor(first / piece_meter.bar), 0) * piece_meter.bar)
    piece = notes_to_piece(notes, meter, bpm=bpm, origin=origin)
    ticks_per_beat = TICKS_PER_BEAT * (1.0 if meter is not None else 120.0 / bpm)
    begin = next_bar_line(notes, piece_meter.bar)
    start = Ticks(round((begin - origin) * ticks_per_beat))
    stop = Ticks(round((begin + bars * piece_meter.bar - origin) * ticks_per_beat))
    present = tuple(sorted({n.voice for n in notes}))
    controls = replace(controls, voices=present or controls.voices)

    player.begin(piece_meter, metered=meter is not None)
    pedals = np.zeros_like(piece.onset) if piece.pedal is None else piece.pedal
    for row in zip(
        piece.onset, piece.pitch, piece.velocity, piece.voice, piece.duration, pedals, strict=True
    ):
        onset, pitch, velocity, voice, duration, foot = map(int, row)
        event = Event(Ticks(onset), pitch, velocity, Voice(voice), Ticks(duration), Pedal(foot))
        player.feed(event)
    channels = _channels(notes)
    found = [
        Note(
            Beats(event.onset / ticks_per_beat + origin),
            event.pitch,
            scale_velocity(event.velocity, controls.velocity),
            Beats((event.duration or 1) / ticks_per_beat),
            channels[event.voice],
            event.voice,
            event.pedal,
        )
        for event in _draw(player, start, stop, controls, seed)
    ]
    return trim(found, controls.polyphony)


def _draw(player: Player, start: Ticks, stop: Ticks, controls: Controls, seed: int) -> list[Event]:
    """Draw notes from `start`, where the first one falls, up to but not including `stop`."""
    random = np.random.default_rng(seed)
    events: list[Event] = []
    while stop > start:
        last = events[-1].onset if events else start
        reach = max((e.onset + (e.duration or 1) for e in events), default=start)
        if not events:
            window = Window(start, start, stop)
        elif stop - reach > LAST_BEAT:
            window = Window(last, Ticks(stop - 1), stop)
        else:
            window = Window(last, Ticks(last + AHEAD), stop)
        event = player.sample(window, controls, random)
        if event.onset >= stop:
            break
        player.feed(event)
        events.append(event)
    return events


def _channels(notes: Sequence[Note]) -> dict[Voice, int]:
    """Return the channel that each voice has most of its notes on."""
    channels = {voice: DRUM_CHANNEL if voice is Voice.DRUMS else 1 for voice in Voice}
    for voice in channels:
        found = Counter(n.channel for n in notes if n.voice is voice)
        if found:
            channels[voice] = min(found, key=lambda channel: (-found[channel], channel))
    return channels


def trim(notes: Sequence[Note], polyphony: int) -> list[Note]:
    """Shorten notes so that no key is struck while it sounds, and few pitched notes sound at once.

    Where more than `polyphony` pitched notes would sound, those that began first end. Of
    notes on one key at one onset the first stays.
    """
    kept: list[Note] = []
    sounding: list[int] = []  # indices into kept, in order of onset
    for note in sorted(notes):
        sounding = [i for i in sounding if kept[i].end > note.start]
        same = [i for i in sounding if _key(kept[i]) == _key(note)]
        if any(kept[i].start >= note.start for i in same):
            continue
        cut = same
        if note.voice is not Voice.DRUMS:
            held = [i for i in sounding if kept[i].voice is not Voice.DRUMS and i not in same]
            older = [i for i in held if kept[i].start < note.start]
            cut = same + older[: max(len(held) + 1 - polyphony, 0)]
        for i in cut:
            kept[i] = replace(kept[i], duration=Beats(note.start - kept[i].start))
        sounding = [i for i in sounding if i not in cut] + [len(kept)]
        kept.append(note)
    return kept


def _key(note: Note) -> tuple[int, int]:
    return note.channel, note.pitch

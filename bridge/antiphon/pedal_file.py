"""The sustain pedal in MIDI files: which notes of a song it was down for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from antiphon import midi
from antiphon.music import Beats, Note, Pedal, Voice
from antiphon.pedalling import PedalFollower
from antiphon.song import MidiSong

_NEVER: Final = Beats(math.inf)


def pedal_moves(others: Iterable[tuple[Beats, bytes]]) -> list[tuple[Beats, bytes]]:
    """Return the sustain pedal's messages among others."""
    return [
        (beat, message)
        for beat, message in others
        if midi.kind(message) == midi.CONTROL and message[1] == midi.SUSTAIN
    ]


def pedalled_notes(song: MidiSong) -> list[Note]:
    """Return all notes of a song in order, each with how the pedal stood for it.

    Drums, and notes on channels without a pedal, are unknown.
    """
    moves = [move for track in song.tracks for move in pedal_moves(track.others)]
    moves.sort(key=lambda move: move[0])  # stable: what falls together stays in order
    moves.reverse()
    channels = {midi.channel(message) for _, message in moves}
    notes = sorted(note for track in song.tracks for note in track.notes)
    known = [n for n in notes if n.channel in channels and n.voice is not Voice.DRUMS]
    onsets = sorted({note.start for note in known})
    follower, pedals = PedalFollower(channels), dict[Beats, Pedal]()
    for onset, following in zip(onsets, [*onsets[1:], _NEVER], strict=False):
        while moves and moves[-1][0] < onset:
            _move(follower, song, moves.pop())
        pedals[onset] = follower.strike(song.seconds_at(onset))
        while moves and moves[-1][0] < following:
            pedals[onset] = _move(follower, song, moves.pop()) or pedals[onset]
    return [
        replace(note, pedal=pedals[note.start])
        if note.channel in channels and note.voice is not Voice.DRUMS
        else note
        for note in notes
    ]


def _move(follower: PedalFollower, song: MidiSong, move: tuple[Beats, bytes]) -> Pedal | None:
    beat, message = move
    return follower.move(midi.channel(message), message[2], song.seconds_at(beat))

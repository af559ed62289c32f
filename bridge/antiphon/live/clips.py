"""Clips of Live's session: read into phrases, and written into slots that are empty.

Both are work for :class:`antiphon.live.asking.Errands`. Nothing that is there is ever changed: a
clip is made in a slot that has none, and only a clip that was made here gets notes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from antiphon import commands
from antiphon.live.asking import Ask, Give, Step, Tell, UnansweredError, UndoneError, Work
from antiphon.live.notes import from_values, to_arguments
from antiphon.live.wire import Message, Slot, Value
from antiphon.music import Beats, Meter, Note

LEAST: Final = Beats(0.25)
"""Shortest clip, and shortest stretch of one that notes are asked for."""

TOGETHER: Final = 32
"""Notes in one message: 21 bytes each, so well within a datagram that no network splits."""

SLOTS: Final = 16
"""Slots that are asked about at once."""

SAME: Final = 1e-3
"""Beats within which two places are the same: 32-bit floats round."""

ALL_PITCHES: Final = (0, 128)

Asked = Generator[Step, Any, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written into a clip."""

    name: str
    length: Beats
    notes: tuple[Note, ...]


# -- reading -------------------------------------------------------------------------------------


def read(
    meter: Callable[[], Meter],
    take: Callable[[Slot, list[Note], Beats], None],
) -> Work:
    """Read the selected clip.

    Parameters
    ----------
    meter : callable
        Returns the time signature in which bars are counted.
    take : callable
        Takes the slot, the notes and the length.

    Raises
    ------
    UndoneError
        If there is no clip, or none that can be a phrase.
    """
    slot: Slot = yield from _selected()
    (has,) = yield Ask((_of("clip_slot/get/has_clip", slot),))
    if not has[0]:
        raise UndoneError(f"no clip to read: the slot selected ({slot}) is empty; select a clip")
    questions = ("is_midi_clip", "loop_start", "loop_end", "name")
    midi, start, end, name = yield Ask(tuple(_of(f"clip/get/{q}", slot) for q in questions))
    shown = f"the clip {name[0]!r} ({slot})"
    if not midi[0]:
        raise UndoneError(f"{shown} is audio; select a MIDI clip")
    begin, stop = Beats(float(start[0])), Beats(float(end[0]))
    bars = (stop - begin) / meter().bar
    if stop - begin < LEAST - SAME or bars > commands.MOST_BARS + SAME:
        allowed = f"{LEAST:g} beats to {commands.MOST_BARS} bars"
        raise UndoneError(f"{shown} is {bars:.3g} bars long; loop {allowed} of it")
    notes: list[Note] = yield from _notes(slot, begin, stop, begin)
    if not notes:
        raise UndoneError(f"{shown} has no notes in its loop; select another")
    if len(notes) > commands.MOST_NOTES:
        raise UndoneError(
            f"{shown} has {len(notes)} notes; a phrase has {commands.MOST_NOTES} at most"
        )
    take(slot, notes, Beats(stop - begin))
    return f"read {shown}: {len(notes)} notes, {bars:.3g} bars"


def _selected() -> Asked:
    try:
        (where,) = yield Ask((Message("/live/view/get/selected_clip"),))
    except UnansweredError as error:
        if not str(error):
            raise
        # The main and the return tracks are not among those that are counted.
        raise UndoneError("no clip is selected in Live; select one on a MIDI track") from error
    return Slot(int(where[0]), int(where[1]))


def _notes(slot: Slot, start: Beats, end: Beats, origin: Beats) -> Asked:
    """Ask for the notes of a stretch, in halves where they do not fit a datagram."""
    window = (*ALL_PITCHES, float(start), float(end - start))
    try:
        (values,) = yield Ask((_of("clip/get/notes", slot, *window),))
    except UnansweredError as error:
        if not str(error) or end - start <= LEAST:
            raise
        middle = Beats((start + end) / 2)
        first = yield from _notes(slot, start, middle, origin)
        second = yield from _notes(slot, middle, end, origin)
        return [*first, *second]
    found = from_values(values, start, end)
    return [note.shifted(Beats(start - origin)) for note in found]


# -- writing -------------------------------------------------------------------------------------


def write(index: int, names: Callable[[int], str], track: int | None) -> Work:
    """Write a clip of the engine's, or all variations on offer, into empty slots.

    Parameters
    ----------
    index : int
        -1 for the last answer, 0 for the phrase, 1..16 for a variation, 17 for all of them.
    names : callable
        Returns the name for the clip of an index.
    track : int, optional
        Where to write if the selected track takes no MIDI.

    Raises
    ------
    UndoneError
        If there is nothing to write, or nowhere to write it.
    """
    everything = index > commands.MOST_VARIATIONS
    wanted = range(1, commands.MOST_VARIATIONS + 1) if everything else (index,)
    given: list[commands.Clip] = []
    for one in wanted:
        clip = yield Give(one)
        if not isinstance(clip, commands.Clip) or not clip.notes:
            break
        given.append(clip)
    if not given:
        what = {-1: "no answer", 0: "no phrase"}.get(index, "no variation on offer")
        raise UndoneError(f"nothing to write: there is {what} yet")
    slot: Slot = yield from _first_slot(track)
    said = ""
    for clip in given:
        name = names(clip.index)
        slot = yield from _write(slot, Piece(name, clip.length, clip.notes))
        said = said or f"wrote {name!r} ({slot})"
    return said if len(given) == 1 else f"{said} and {len(given) - 1} more"


def _first_slot(track: int | None) -> Asked:
    """Return the selected slot, or the one beside it on the track given."""
    try:
        slot: Slot = yield from _selected()
        (midi,) = yield Ask((Message("/live/track/get/has_midi_input", (slot.track,)),))
        if midi[0]:
            return slot
        scene = slot.scene
    except UndoneError as error:
        if track is None or (isinstance(error, UnansweredError) and not str(error)):
            raise
        (found,) = yield Ask((Message("/live/view/get/selected_scene"),))
        scene = int(found[0])
    if track is None:
        raise UndoneError("the track selected in Live takes no MIDI; select a MIDI track")
    return Slot(track, scene)


def _write(slot: Slot, piece: Piece) -> Asked:
    """Make a clip in the first empty slot from `slot` on; return where it is."""
    while True:
        slot = yield from _empty(slot)
        if (yield from _made(slot, piece)):
            break
        slot = replace(slot, scene=slot.scene + 1)  # somebody was quicker
    missing = arguments = to_arguments(piece.notes, piece.length)
    yield Tell((_of("clip/set/name", slot, piece.name),))
    for _ in range(4):
        for together in _portions(missing):
            yield Tell((_of("clip/add/notes", slot, *together),))
        found = yield from _notes(slot, Beats(0.0), piece.length, Beats(0.0))
        there = {(note.pitch, round(note.start / SAME)) for note in found}
        missing = [values for values in arguments if not _near(values, there)]
        (name,) = yield Ask((_of("clip/get/name", slot),))
        if name[0] != piece.name:
            yield Tell((_of("clip/set/name", slot, piece.name),))
        elif not missing:
            return slot
    raise UndoneError(f"{len(missing)} notes of {piece.name!r} ({slot}) did not get into Live")


def _near(values: tuple[Value, ...], there: set[tuple[int, int]]) -> bool:
    """Tell whether a note is among those that Live has, roundings of its place apart."""
    pitch, place = int(values[0] or 0), round(float(values[1] or 0) / SAME)
    return any((pitch, place + by) in there for by in (-1, 0, 1))


def _empty(slot: Slot) -> Asked:
    """Return the first empty slot from one on, in a new scene if the track is full."""
    (count,) = yield Ask((Message("/live/song/get/num_scenes"),))
    scenes = int(count[0])
    for first in range(slot.scene, scenes, SLOTS):
        slots = [replace(slot, scene=s) for s in range(first, min(first + SLOTS, scenes))]
        replies = yield Ask(tuple(_of("clip_slot/get/has_clip", s) for s in slots))
        for place, (has,) in zip(slots, replies, strict=True):
            if has is False or has == 0:
                return place
    for turn in range(12):
        if turn % 3 == 0:  # asked three times: a question can overtake an order on its way
            yield Tell((Message("/live/song/create_scene", (-1,)),))
        (count,) = yield Ask((Message("/live/song/get/num_scenes"),))
        if int(count[0]) > scenes:
            return replace(slot, scene=scenes)
    raise UndoneError(f"track {slot.track + 1} is full, and Live makes no new scene")


def _made(slot: Slot, piece: Piece) -> Asked:
    """Make a clip; False if the slot has one that is not ours."""
    for _ in range(4):
        yield Tell((_of("clip_slot/create_clip", slot, float(piece.length)),))
        (has,) = yield Ask((_of("clip_slot/get/has_clip", slot),))
        if has[0]:
            length, name = yield Ask((_of("clip/get/length", slot), _of("clip/get/name", slot)))
            notes = yield from _notes(slot, Beats(0.0), Beats(max(4.0, length[0])), Beats(0.0))
            return abs(length[0] - piece.length) < SAME and not name[0] and not notes
    raise UndoneError(f"Live makes no clip in {slot}; select a MIDI track that is not frozen")


def _portions(notes: Sequence[tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
    """Yield the arguments of as many notes as go into a message."""
    for first in range(0, len(notes), TOGETHER):
        yield tuple(value for note in notes[first : first + TOGETHER] for value in note)


def _of(what: str, slot: Slot, *values: Value) -> Message:
    return Message(f"/live/{what}", (slot.track, slot.scene, *values))

"""Standard MIDI Files: read into notes in beats, written whole or not at all.

Times in a file are ticks of a beat, so reading needs no tempo; the tempo map is kept beside
the notes for whoever wants seconds. A file is written under another name and moved into
place, so that a crash leaves the old one or the new one, never half of one.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import mido

from antiphon import smf
from antiphon.errors import MidiFileError
from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Voice
from antiphon.song import Marker, MeterMark, MidiSong, MidiTrack, TempoMark
from antiphon.voices import guess_voices

__all__ = [
    "Marker",
    "MeterMark",
    "MidiSong",
    "MidiTrack",
    "TempoMark",
    "encode_song",
    "read_midi",
    "write_midi",
]

MAX_BYTES: Final = 64 * 2**20
"""Longer files are refused unread: no music is that long, and a disk image is no music."""

OTHERS: Final = frozenset(
    {"program_change", "control_change", "pitchwheel", "aftertouch", "polytouch"}
)
"""mido's names of the channel messages that are no notes."""


# -- reading ---------------------------------------------------------------------------------


def read_midi(
    path: str | Path, *, allow_empty: bool = False, every_track: bool = False
) -> MidiSong:
    """Read a Standard MIDI File of any type.

    Parameters
    ----------
    path : str or Path
        The file.
    allow_empty : bool
        Whether a file without a single note will do.
    every_track : bool
        Whether tracks without notes are wanted too, if they have a name or other messages.
        A first track of neither notes nor messages is the conductor's; its name is the title.

    Raises
    ------
    MidiFileError
        If the file is missing, unreadable, truncated, no MIDI file, has no notes, or has a
        tempo of 0.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            kind = "an empty file" if size == 0 else f"{size // 2**20} MiB"
            raise MidiFileError("a MIDI file is needed", f"{path} is {kind}", "give another file")
        source = mido.MidiFile(path, clip=True)
    except MidiFileError:
        raise
    except FileNotFoundError:
        raise MidiFileError(
            "a MIDI file is needed", f"{path} does not exist", "check the path"
        ) from None
    except EOFError:
        raise MidiFileError(
            "a whole MIDI file is needed", f"{path} ends in the middle", "export it again"
        ) from None
    except Exception as error:  # mido raises nearly everything on bytes that are no MIDI
        reason = str(error).strip() or type(error).__name__
        raise MidiFileError(
            "a MIDI file is needed", f"{path} cannot be read ({reason})", "give another file"
        ) from None
    song = _collect(path, source, every_track)
    if not (allow_empty or any(track.notes for track in song.tracks)):
        raise MidiFileError("notes are needed", f"{path} has none", "give another file")
    return song


def _collect(path: Path, source: Any, every_track: bool) -> MidiSong:
    """Sort what mido read into tracks, tempo map, meters and markers."""
    division = _ticks_per_beat(path, int(source.ticks_per_beat))
    title = ""
    tempos: dict[float, float] = {}
    meters: dict[float, Meter] = {}
    markers: list[Marker] = []
    texts: list[str] = []
    tracks: list[MidiTrack] = []
    length = 0.0
    for index, track in enumerate(source.tracks):
        tick = 0
        others: list[tuple[Beats, bytes]] = []
        for message in track:
            tick += message.time
            beat = tick / division
            if message.type in OTHERS:
                others.append((Beats(beat), bytes(message.bytes())))
            elif message.type == "set_tempo":
                if message.tempo <= 0:
                    raise MidiFileError(
                        "a tempo above 0 is needed",
                        f"{path} sets 0 µs a beat at beat {beat:g}",
                        "correct the tempo in an editor",
                    )
                tempos[beat] = 60e6 / message.tempo
            elif message.type == "time_signature":
                with suppress(ValueError):  # a meter that does not exist is not worth refusing
                    meters[beat] = Meter(message.numerator, message.denominator)
            elif message.type == "marker":
                markers.append(Marker(Beats(beat), _text(message.text)))
            elif message.type == "text" and index == 0:
                texts.append(_text(message.text))
        length = max(length, tick / division)
        name, notes = _text(track.name), _notes(track, division)
        if notes or (every_track and (others or (name and index))):
            tracks.append(MidiTrack(name, tuple(sorted(notes)), tuple(others)))
        elif every_track and not index:
            title = name
    if source.ticks_per_beat < 0:  # its times are seconds: tempos do not move them
        tempos.clear()
    tempos.setdefault(0.0, min(tempos.items())[1] if tempos else 120.0)
    meters.setdefault(0.0, min(meters.items())[1] if meters else Meter())
    return MidiSong(
        path=path,
        tracks=tuple(_with_voices(tracks)),
        tempos=tuple(TempoMark(Beats(beat), bpm) for beat, bpm in sorted(tempos.items())),
        meters=tuple(MeterMark(Beats(beat), meter) for beat, meter in sorted(meters.items())),
        length=Beats(max([length, *(n.end for t in tracks for n in t.notes)])),
        markers=tuple(sorted(markers, key=lambda marker: marker.beat)),
        texts=tuple(texts),
        title=title,
        division=int(division) if division == int(division) else int(2 * division),
    )


def _ticks_per_beat(path: Path, division: int) -> float:
    """Return the ticks of a beat; SMPTE time (negative division) is read at 120 bpm."""
    if division > 0:
        return division
    if division == 0:
        raise MidiFileError("a time base is needed", f"{path} has 0 ticks a beat", "export again")
    frames, parts = -(division >> 8), division & 0xFF
    return max(frames * parts, 1) / 2


def _notes(track: Iterable[Any], division: float) -> list[Note]:
    """Pair note-ons with note-offs, first in first out; what is left open ends with the track."""
    held: defaultdict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    spans: list[tuple[int, int, int, int, int]] = []
    tick = 0
    for message in track:
        tick += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity > 0:
            held[key].append((tick, message.velocity))
        elif held[key]:
            spans.append((*held[key].popleft(), tick, *key))
    spans += [(*start, tick, *key) for key, open_notes in held.items() for start in open_notes]
    return [
        Note(
            Beats(start / division),
            pitch,
            velocity,
            Beats(max(end - start, 1) / division),
            channel + 1,
            Voice.DRUMS if channel + 1 == DRUM_CHANNEL else Voice.KEYS,
        )
        for start, velocity, end, channel, pitch in spans
    ]


def _text(raw: str) -> str:
    """Read a name as UTF-8 where it is; mido hands every byte over as Latin-1."""
    try:
        return raw.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return raw.strip()


def _with_voices(tracks: Sequence[MidiTrack]) -> Iterable[MidiTrack]:
    """Give the pitched notes of each track the voice that its name and playing suggest."""
    voices = guess_voices([(track.name, track.notes) for track in tracks])
    for track, voice in zip(tracks, voices, strict=True):
        notes = (n if n.voice is Voice.DRUMS else replace(n, voice=voice) for n in track.notes)
        yield replace(track, notes=tuple(notes))


# -- writing ---------------------------------------------------------------------------------


def write_midi(
    path: str | Path,
    tracks: Sequence[tuple[str, Iterable[Note]]],
    *,
    bpm: float | Sequence[TempoMark] = 120.0,
    meter: Meter | Sequence[MeterMark] = Meter(),  # noqa: B008 (frozen)
    markers: Iterable[Marker] = (),
    texts: Iterable[str] = (),
    others: Sequence[Iterable[tuple[Beats, bytes]]] = (),
) -> None:
    """Write a type 1 file: a conductor's track, then one track for each of `tracks`.

    `others` are the channel messages that are no notes, in the order of the tracks; fewer will do.

    Where a key is struck again while it sounds, the first note ends there: a file cannot say
    which of two note-offs belongs to which note-on. What lies before beat 0 is moved to it.

    Raises
    ------
    MidiFileError
        If the file cannot be written; a file of that name that was there stays as it was.
    """
    chunks = [_conductor(bpm, meter, markers, texts)]
    for (name, notes), more in zip(tracks, chain(others, repeat(())), strict=False):
        events = [(smf.tick(beat), smf.OTHER, data) for beat, data in more]
        chunks.append(smf.track([_name(name), *events, *smf.messages(notes)]))
    _replace_file(Path(path), smf.header(len(chunks)) + b"".join(chunks))


def encode_song(song: MidiSong) -> bytes:
    """Return the bytes of a type 1 file that holds all that a song does.

    Times are whole ticks of the song's own division, or of a multiple of it that is no coarser
    than the files we write ourselves, so what was read comes back exactly. Doubled notes and
    notes that overlap on one key are kept, unlike in :func:`write_midi`.
    """
    division = song.division * max(-(-smf.FILE_TICKS // song.division), 1)
    end = smf.tick(song.length, division)
    chunks = [
        _conductor(song.tempos, song.meters, song.markers, song.texts, song.title, division, end)
    ]
    for track in song.tracks:
        others = [(smf.tick(beat, division), smf.OTHER, data) for beat, data in track.others]
        notes = smf.overlapping_messages(track.notes, division)
        chunks.append(smf.track([_name(track.name), *others, *notes], end))
    return smf.header(len(chunks), division) + b"".join(chunks)


def _name(name: str) -> smf.Event:
    return (0, smf.NAME, smf.meta(0x03, name.encode()))


def _conductor(
    bpm: float | Sequence[TempoMark],
    meter: Meter | Sequence[MeterMark],
    markers: Iterable[Marker],
    texts: Iterable[str],
    title: str = "",
    division: int = smf.FILE_TICKS,
    end: int = 0,
) -> bytes:
    """Return the track that holds what counts for all: meters, tempos, markers, texts."""
    tempos = [TempoMark(Beats(0.0), bpm)] if isinstance(bpm, float | int) else bpm
    meters = [MeterMark(Beats(0.0), meter)] if isinstance(meter, Meter) else meter
    events = [_name(title)] if title else []
    events += [(0, 0, smf.meta(0x01, text.encode())) for text in texts]
    for change in meters:
        size, unit = change.meter.numerator, change.meter.denominator.bit_length() - 1
        place = smf.tick(change.beat, division)
        events.append((place, 0, smf.meta(0x58, bytes((size, unit, 24, 8)))))
    for mark in tempos:
        micros = min(round(60e6 / mark.bpm), smf.MAX_TEMPO)
        place = smf.tick(mark.beat, division)
        events.append((place, 0, smf.meta(0x51, micros.to_bytes(3, "big"))))
    events += [(smf.tick(m.beat, division), 0, smf.meta(0x06, m.text.encode())) for m in markers]
    return smf.track(events, end)


def _replace_file(path: Path, data: bytes) -> None:
    """Write beside `path`, then move into place."""
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        scratch = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.chmod(0o644)  # mkstemp makes files for the owner alone; this is a document
        scratch.replace(path)
    except OSError as error:
        if scratch:
            scratch.unlink(missing_ok=True)
        raise MidiFileError(
            "a place to write a MIDI file is needed",
            f"{path} cannot be written ({error.strerror or error})",
            "choose another folder",
        ) from None

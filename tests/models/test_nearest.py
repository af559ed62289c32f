"""Where music comes from: the nearest windows of a data set, their pieces named."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mido
import numpy as np
import pytest

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon.music import Voice
from antiphon_models.data.windows import read_bars
from antiphon_models.events import MICROS, Piece
from antiphon_models.nearest import add_nearest_arguments, find_nearest, run_nearest
from antiphon_models.rolls import Kind
from networks import make_dic, save_network, to_codec
from small_music import make_piece, write_music


def write_midi(path: Path, piece: Piece, beats: int = 4) -> Path:
    """Write a piece as a MIDI file."""
    midi = mido.MidiFile(ticks_per_beat=960)
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=600_000),
            mido.MetaMessage("time_signature", numerator=beats, denominator=4),
        ]
    )
    assert piece.micro is not None
    start = np.maximum(20 * piece.onset + piece.micro * 20 // MICROS, 0)
    events = []
    for at, pitch, velocity, voice in zip(
        start.tolist(),
        piece.pitch.tolist(),
        piece.velocity.tolist(),
        piece.voice.tolist(),
        strict=True,
    ):
        channel = 9 if voice == Voice.DRUMS else 0
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
        events += [(at, on), (at + 200, mido.Message("note_off", channel=channel, note=pitch))]
    now = 0
    for at, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=at - now))
        now = at
    midi.tracks.append(track)
    midi.save(path)
    return path


def nearest(*words: str) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser()
    add_nearest_arguments(parser)
    return run_nearest(parser.parse_args(list(words)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a data set, a piece of it as a MIDI file, and DICs."""
    folder = tmp_path_factory.mktemp("nearest")
    write_music(folder / "data")
    write_midi(folder / "in.mid", make_piece(1))
    for kind in ("drums", "pitched"):
        save_network(folder / f"{kind}.safetensors", make_dic(kind))
    return folder


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_a_window_is_nearest_to_itself(kind: Kind) -> None:
    """A window of the data set finds itself first, at distance 0; each piece comes once."""
    bars = read_bars({"songs": [make_piece(seed) for seed in range(4)]}, kind)
    window = int(bars.windows()[9])
    found = find_nearest(to_codec(make_dic(kind)), bars, window, bars, 3)
    assert found[0].piece == bars.names[bars.piece[window]]
    assert found[0].bar == bars.number[window] + 1
    assert found[0].distance == pytest.approx(0, abs=1e-6)
    assert found[0].edit_distance == 0
    assert len({one.piece for one in found}) == 3
    apart = [one.distance for one in found]
    assert apart == sorted(apart)
    assert all(0 < one.edit_distance <= 1 for one in found[1:])


@pytest.mark.parametrize("kind", ["drums", "pitched"])
@pytest.mark.parametrize("bar", [1, 4])
def test_the_command_names_the_source(
    kind: str, bar: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A MIDI file of training music is traced to its piece and its bar."""
    words = [str(place / "in.mid"), "--data", str(place / "data"), "--as", kind, "--bar", str(bar)]
    words += ["--dic", str(place / f"{kind}.safetensors"), "--count", "2"]
    assert nearest(*words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["bar"], len(told["nearest"])) == (kind, bar, 2)
    first = told["nearest"][0]
    assert (first["piece"], first["bar"], first["edit_distance"]) == ("songs/1.mid", bar, 0)
    assert nearest(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(f"songs/1.mid, bar {bar}")


def test_what_cannot_be_looked_for_is_refused(place: Path, tmp_path: Path) -> None:
    """Bars that are not there, another kind's DIC, other meters: one line each."""
    given = [str(place / "in.mid"), "--data", str(place / "data")]
    drums = ["--as", "drums", "--dic", str(place / "drums.safetensors")]
    with pytest.raises(UsageError, match="from bar 8 on"):
        nearest(*given, *drums, "--bar", "8")
    with pytest.raises(UsageError, match="1 or more"):
        nearest(*given, *drums, "--count", "0")
    with pytest.raises(CheckpointError, match="found one for pitched"):
        nearest(*given, "--as", "drums", "--dic", str(place / "pitched.safetensors"))
    with pytest.raises(DataError):
        nearest(str(place / "in.mid"), "--data", str(tmp_path / "none"), *drums)
    waltz = write_midi(tmp_path / "waltz.mid", make_piece(1, beats=3), 3)
    with pytest.raises(DataError, match="bars of 3 beats"):
        nearest(str(waltz), "--data", str(place / "data"), *drums)

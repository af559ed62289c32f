"""The published benchmarks: what the networks may see, and that every frame counts once."""

from __future__ import annotations

import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import jsb16
import poly_music
from antiphon.errors import DataError
from antiphon_models.core import CORES
from published.baselines import Baselines
from published.frame_network import FrameConfig, FrameNetwork
from published.mat import read_cells
from published.poly_data import echoes, load_frames, make_set, piece_rows
from published.recipe import measure
from published.streams import ChunkStreams, whole_pieces
from published.voice_baselines import voice_baselines
from published.voice_data import load_voices, make_voice_set, transpose, voice_rows
from published.voice_network import ORDER, VoiceConfig, VoiceNetwork

PITCHES = 5


def some_frames(count: int, seed: int = 0, low: int = 40, high: int = 40 + PITCHES) -> np.ndarray:
    """Make frames of 88 pitches, of which a few sound; repetitive, so that there are echoes."""
    random = np.random.default_rng(seed)
    frames = np.zeros((count, 88), bool)
    frames[:, low:high] = random.random((4, high - low))[random.integers(0, 4, count)] < 0.4
    return frames


def frame_network(core: str = "lstm", tied: int = 1, pitches: int = PITCHES) -> FrameNetwork:
    """Make a small network whose every weight counts."""
    torch.manual_seed(1)
    config = FrameConfig(pitches, 12, 2, 8, tied, 0.2, core)
    network = FrameNetwork(config, torch.full((pitches,), 0.3)).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    return network


def rows_of(frames: np.ndarray) -> Tensor:
    """Return a piece's rows, (1 + frames, 1, columns)."""
    return torch.from_numpy(piece_rows(frames, 40, 40 + PITCHES))[:, None]


def mat_element(kind: int, body: bytes) -> bytes:
    """Write an element of a MAT-file, the short form where it fits."""
    if len(body) <= 4:
        return struct.pack("<HH", kind, len(body)) + body.ljust(4, b"\0")
    return struct.pack("<II", kind, len(body)) + body + b"\0" * (-len(body) % 8)


def mat_matrix(name: str, kind: int, shape: tuple[int, ...], parts: bytes) -> bytes:
    """Write a matrix element."""
    head = mat_element(6, struct.pack("<II", kind, 0))
    head += mat_element(5, struct.pack("<2i", *shape)) + mat_element(1, name.encode())
    return mat_element(14, head + parts)


def write_mat(path: Path, cells: dict[str, list[np.ndarray]]) -> None:
    """Write cell arrays of frames, as bytes or doubles in turn."""
    data = b"a test".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    for name, frames in cells.items():
        parts = b""
        for index, frame in enumerate(frames):
            number, kind = (("u1", 2), ("<f8", 9))[index % 2]
            body = mat_element(kind, frame.astype(number).tobytes(order="F"))
            parts += mat_matrix("", 6, frame.shape, body)
        whole = zlib.compress(mat_matrix(name, 1, (1, len(frames)), parts))
        data += struct.pack("<II", 15, len(whole)) + whole
    path.write_bytes(data)


def test_mat_files_are_read(tmp_path: Path) -> None:
    """The frames of each split come out of a MAT-file as they went in."""
    cells = {
        name: [some_frames(6, seed), some_frames(9, seed + 1)]
        for seed, name in enumerate(("traindata", "validdata", "testdata"))
    }
    write_mat(tmp_path / "JSB_Chorales.mat", cells)
    found = load_frames(tmp_path, "jsb")
    for split, name in {"train": "traindata", "test": "testdata"}.items():
        for ours, theirs in zip(found[split], cells[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("content", [None, b"", b"a" * 200, b"IM".rjust(128) + b"\x0f\0\0\0" * 9])
def test_what_is_no_mat_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or broken MAT-file is an error that names the file."""
    path = tmp_path / "x.mat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.mat"):
        read_cells(path)


def test_an_echo_is_what_followed_the_longest_run_before() -> None:
    """The echo is the frame after the latest place where the longest run up to now occurred."""
    melody = np.eye(88, dtype=bool)[[1, 2, 3, 9, 2, 3, 4, 1, 2, 3]]
    echo, length = echoes(melody)
    assert length.tolist() == [0, 0, 0, 0, 1, 2, 0, 1, 2, 3]
    assert [int(np.argmax(e)) if e.any() else -1 for e in echo] == [-1] * 4 + [3, 9, -1, 2, 3, 9]


def test_rows_tell_nothing_of_frames_to_come() -> None:
    """A change in a frame changes no row before it."""
    frames = some_frames(20)
    changed = frames.copy()
    changed[12] = ~changed[12]
    before, after = (piece_rows(f, 40, 45) for f in (frames, changed))
    np.testing.assert_array_equal(before[:13], after[:13])  # row 13 is frame 12
    assert (before[13] != after[13]).any()


@pytest.mark.parametrize("core", CORES)
def test_a_frame_is_predicted_from_the_past_only(core: str) -> None:
    """A change in a frame changes no score up to it, but for the joint head's pitches above it."""
    network, frames = frame_network(core), some_frames(12)
    rows = rows_of(frames)
    for pitch in range(PITCHES):
        changed = frames.copy()
        changed[6, 40 + pitch] ^= True  # the target of position 6
        other = rows_of(changed)
        before, _ = network.logits(rows[:-1], rows[1:], network.fresh_state(1))
        after, _ = network.logits(other[:-1], other[1:], network.fresh_state(1))
        differs = {head: before[head][:, 0] != after[head][:, 0] for head in before}
        assert not differs["independent"][:7].any()
        assert not differs["joint"][:6].any()
        assert not differs["joint"][6, : pitch + 1].any()
        assert pitch == PITCHES - 1 or differs["joint"][6, pitch + 1 :].any()
        assert differs["independent"][7].any()


@pytest.mark.parametrize("head", ["independent", "joint"])
def test_all_frames_together_have_probability_one(head: str) -> None:
    """The probabilities of all 2^P frames that can follow sum to 1."""
    network = frame_network()
    rows = rows_of(some_frames(6))
    state = network.fresh_state(1)
    total = 0.0
    for bits in itertools.product((0, 1), repeat=PITCHES):
        following = rows[1:].clone()
        following[-1, 0, :PITCHES] = torch.tensor(bits)
        nats, _ = network.nll(rows[:-1], following, state)
        total += float(torch.exp(-nats[head][-1, 0]).detach())
    assert total == pytest.approx(1, abs=1e-5)


def test_padding_does_not_count() -> None:
    """Pieces measured side by side give the mean over all their frames, as one by one."""
    network = frame_network()
    pieces = [piece_rows(some_frames(n, n), 40, 45) for n in (3, 11, 20, 20, 1)]
    together = measure(network, pieces, batch=5, chunk=8)
    one = [measure(network, [piece], chunk=64) for piece in pieces]
    frames = np.array([len(piece) - 1 for piece in pieces])
    for head, (every, later) in together.items():
        sums = np.array([each[head][0] for each in one]) @ frames
        assert every == pytest.approx(sums / frames.sum(), rel=1e-5)
        with_one = [each[head][1] * (n - 1) for each, n in zip(one, frames, strict=True) if n > 1]
        assert later == pytest.approx(sum(with_one) / (frames.sum() - 5), rel=1e-5)


def test_streams_read_every_frame_once_an_epoch() -> None:
    """Chunks of streams hold every frame of every piece once before any comes again."""
    pieces = [np.full((n + 1, 2), n) for n in (1, 5, 8, 13)]
    streams = ChunkStreams(pieces, 1, 4, seed=3)
    seen = []
    while sum(seen) < 27:
        chunk = streams.next_chunk()
        assert chunk.real.sum() == chunk.real[:, 0].sum()
        seen.append(int(chunk.real.sum()))
    assert sum(seen) == 27
    counted = [p.real.sum() for group in whole_pieces(pieces, 2, 4) for p in group]
    assert sum(counted) == 27


def test_streams_of_the_benchmark_go_on_from_their_state() -> None:
    """Restored streams give the chunks that the original goes on to give."""
    pieces = [piece_rows(some_frames(n, n), 40, 45) for n in (9, 30, 17)]
    one, other = ChunkStreams(pieces, 2, 8, seed=1), ChunkStreams(pieces, 2, 8, seed=2)
    one.next_chunk()
    other.restore(one.state())
    for _ in range(6):
        for ours, theirs in zip(one.next_chunk(), other.next_chunk(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_pitches_that_training_never_heard_cost_their_odds() -> None:
    """All 88 pitches count, also those that the network leaves out."""
    frames = {
        "train": [some_frames(50)],
        "validation": [some_frames(5)],
        "test": [some_frames(9, 1, low=39)],
    }
    data = make_set(frames)
    never = 0.5 / 51
    test = frames["test"][0]
    outside = np.delete(test, np.flatnonzero(frames["train"][0].any(0)), axis=1)
    outside = outside[:, : 88 - data.pitches]
    expected = -np.log(np.where(outside, never, 1 - never)).sum(1).mean()
    assert data.unheard(data.rows["test"]) == pytest.approx(expected)


def test_baselines_are_probabilities() -> None:
    """No baseline is sure of what it cannot know, and copying pays where music repeats."""
    frames = {s: [some_frames(80, 1)] for s in ("train", "validation", "test")}
    found = Baselines(frames).measure()
    independent, joint = found["independent"], found["joint"]
    assert all(0 < nats < 60 for group in found.values() for row in group.values() for nats in row)
    assert independent["held, copied from training"][0] < independent["marginal"][0]
    assert next(iter(joint.values()))[0] < independent["marginal"][0]


def chorale(frames: int, seed: int) -> np.ndarray:
    """Make four voices that hold and move, with a few rests."""
    random = np.random.default_rng(seed)
    pitches = np.repeat(random.integers(60, 72, (frames // 2 + 1, 4)), 2, axis=0)[:frames]
    return np.where(random.random(pitches.shape) < 0.05, -1, pitches)


def voice_network(core: str = "lstm") -> tuple[VoiceNetwork, Tensor]:
    """Make a small network and a piece's rows, (1 + frames, 1, columns)."""
    torch.manual_seed(2)
    network = VoiceNetwork(VoiceConfig(13, 12, 2, 8, core=core)).eval()
    return network, torch.from_numpy(voice_rows(chorale(16, 1), 60))[:, None]


@pytest.mark.parametrize("core", CORES)
def test_a_voice_sees_only_what_was_decided_before_it(core: str) -> None:
    """A change in a voice changes no score before it in time, nor of voices decided before it."""
    network, rows = voice_network(core)
    state = network.fresh_state(1)
    before, _ = network.logits(rows[:-1], rows[1:], state)
    for place, voice in enumerate(ORDER):
        piece = chorale(16, 1)
        piece[8, voice] = 60 + (piece[8, voice] + 5) % 12
        changed = torch.from_numpy(voice_rows(piece, 60))[:, None]
        after, _ = network.logits(changed[:-1], changed[1:], state)
        for other in range(4):
            differs = (before[other] != after[other])[:, 0].any(-1)
            assert not differs[:8].any()
            assert bool(differs[8]) == (other in ORDER[place + 1 :])
            assert differs[9]


def test_a_voice_token_is_a_quarter_of_its_frame() -> None:
    """The voices' shares add up to the nats of the whole frame, a token of four."""
    network, rows = voice_network()
    nats, _ = network.nll(rows[:-1], rows[1:], network.fresh_state(1))
    logits, _ = network.logits(rows[:-1], rows[1:], network.fresh_state(1))
    target = rows[1:, :, :4]
    whole = sum(
        -torch.log_softmax(logits[v], -1).gather(-1, target[..., v, None])[..., 0] for v in range(4)
    )
    torch.testing.assert_close(sum(nats.values()), whole / 4)


def test_chorales_are_read_and_transposed_within_their_ranges(tmp_path: Path) -> None:
    """Transposed pieces keep their intervals, their rests and every voice's range."""
    splits = {"train": 4, "valid": 1, "test": 1}
    data = {s: [chorale(16, 10 + i).tolist() for i in range(n)] for s, n in splits.items()}
    (tmp_path / "Jsb16thSeparated.json").write_text(str(data).replace("'", '"'))
    voices = load_voices(tmp_path)
    made = make_voice_set({**voices, "test": voices["train"], "validation": voices["train"]})
    piece = made.rows["train"][0]
    for seed in range(20):
        moved = transpose(piece, made.ranges, np.random.default_rng(seed))
        sounding = piece[1:, :4] > 0
        assert len(set((moved - piece)[1:, :4][sounding])) == 1
        np.testing.assert_array_equal(moved[1:, :4] > 0, sounding)
        assert (moved[1:, :4].max(0) <= made.ranges[1]).all()
        np.testing.assert_array_equal(moved[:, 12:], piece[:, 12:])
    assert all(0 < nats < 5 for nats in voice_baselines(voices)["hold and bigram"])


@pytest.mark.parametrize("text", [None, "{", "{}", '{"train": [], "valid": [], "test": []}'])
def test_what_are_no_chorales_is_refused(tmp_path: Path, text: str | None) -> None:
    """A missing or broken file of chorales is an error that names it."""
    if text is not None:
        (tmp_path / "Jsb16thSeparated.json").write_text(text)
    with pytest.raises(DataError, match="Jsb16thSeparated"):
        load_voices(tmp_path)


def test_the_benchmark_of_frames_trains_prints_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command trains, prints our figures beside the published ones, and goes on when asked."""
    cells = {name: [some_frames(9, 1)] for name in ("traindata", "validdata", "testdata")}
    write_mat(tmp_path / "JSB_Chorales.mat", cells)
    options = [
        "--sets",
        "jsb",
        "--width",
        "8",
        "--pitch-width",
        "8",
        "--out",
        str(tmp_path / "run"),
    ]
    for steps in ("1", "3"):
        monkeypatch.setattr("sys.argv", ["x", str(tmp_path), *options, "--steps", steps])
        assert poly_music.main() == 0
    printed = capsys.readouterr().out
    assert "TCN (Bai 2018)" in printed
    assert printed.count("this: jsb-both-lstm") == 4  # two heads, two runs
    assert "step      3" in printed


def test_the_benchmark_of_voices_trains_and_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command trains, and prints our figure beside the published ones."""
    data = {s: [chorale(16, 1).tolist()] for s in ("train", "valid", "test")}
    (tmp_path / "Jsb16thSeparated.json").write_text(str(data).replace("'", '"'))
    options = ["--width", "8", "--head-width", "8", "--steps", "1", "--out", str(tmp_path / "run")]
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path), *options])
    assert jsb16.main() == 0
    printed = capsys.readouterr().out
    assert "Music Transformer" in printed
    assert "hold and bigram" in printed


def test_a_benchmark_without_its_data_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without the files ends with one line that names what was expected."""
    for command in (poly_music.main, jsb16.main):
        monkeypatch.setattr("sys.argv", ["x", str(tmp_path)])
        assert command() == 2
        assert str(tmp_path) in capsys.readouterr().err

"""Evaluation of the DIC and the GAN: its parts alone, and the commands end to end."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon.errors import AntiphonError, CheckpointError, DataError
from antiphon.music import Voice
from antiphon_models import attributes, catalogue, checkpoint, contenders, knob, two_sample
from antiphon_models.card import main as card_main
from antiphon_models.checkpoint import load_checkpoint, save_checkpoint
from antiphon_models.codec import Code, load_codec
from antiphon_models.commands import add_train_arguments, run_train
from antiphon_models.data.prepare import load_dataset
from antiphon_models.data.storage import write_manifest, write_pieces
from antiphon_models.data.windows import Bars, make_batch, read_bars
from antiphon_models.dic import DICConfig, make_dic
from antiphon_models.editor import Editor, load_editor
from antiphon_models.evaluate import add_evaluate_arguments, run_evaluate
from antiphon_models.evaluate_dic import mean_error, timing_error
from antiphon_models.evaluation_data import choose_windows, cut_in_half
from antiphon_models.events import Piece, phases
from antiphon_models.idiom import Phrases
from antiphon_models.rolls import distance


def make_piece(seed: int, kind: str, bars: int = 8) -> Piece:
    """Make a piece that varies one bar: drums of a kit, or a scale with chords."""
    random = np.random.default_rng(seed)
    slots = np.flatnonzero(random.random(16) < 0.6)
    notes = []
    for bar in range(bars):
        kept = slots[random.random(len(slots)) < 0.8]
        for slot in kept.tolist():
            pitches = [36, 42] if kind == "drums" else [60 + (slot * 2) % 12, 48 + seed % 5]
            notes += [(bar * 192 + slot * 12, pitch) for pitch in pitches[: 1 + slot % 2]]
    onset, pitch = (np.array(column) for column in zip(*notes, strict=True))
    beat, place = phases(onset, 192)
    return Piece(
        onset=onset,
        voice=np.full(len(onset), Voice.DRUMS if kind == "drums" else Voice.KEYS),
        pitch=pitch,
        velocity=random.integers(30, 120, len(onset)),
        duration=np.full(len(onset), 12),
        beat_phase=beat,
        bar_phase=place,
        name=f"{kind}{seed}",
        style=kind,
    ).sorted()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data set with a set of drums and one of pitched pieces."""
    folder = tmp_path_factory.mktemp("data")
    splits = {"train": range(6), "validation": range(6, 10)}
    for kind in ("drums", "pitched"):
        (folder / kind).mkdir()
        for split, seeds in splits.items():
            pieces = [make_piece(seed, kind) for seed in seeds]
            write_pieces(folder / kind / f"{split}.npz", pieces)
    entry = {"licence": "CC0", "splits": {split: {"pieces": len(s)} for split, s in splits.items()}}
    write_manifest(folder, {"sets": {"drums": entry, "pitched": entry}})
    return folder


@pytest.fixture(scope="module")
def networks(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a tiny DIC and a tiny GAN of each kind for some steps, and make a dense DIC."""
    folder = tmp_path_factory.mktemp("networks")
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    for kind in ("drums", "pitched"):
        dic = folder / f"dic-{kind}.safetensors"
        for name, more in (("dic", []), ("gan", ["--dic", str(dic)])):
            out = folder / f"run-{name}-{kind}"
            fixed = ["--data", str(data), "--out", str(out), "--preset", f"tiny-{kind}"]
            limits = ["--steps", "6", "--device", "cpu", "--threads", "1"]
            assert run_train(parser.parse_args([name, *fixed, *limits, *more])) == 0
            (out / f"{name}.safetensors").rename(folder / f"{name}-{kind}.safetensors")
        config = replace(DICConfig(), kind=kind, form="dense", width=8, style=8)
        weights = {n: p.detach().numpy() for n, p in make_dic(config, 8).state_dict().items()}
        path = folder / f"dic-{kind}-dense.safetensors"
        save_checkpoint(path, "dic", {**config.to_dict(), "beats": 8}, weights, {})
    return folder


def evaluate(capsys: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, Any]:
    """Run the command and read its JSON."""
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    capsys.readouterr()
    fixed = ["--json", "--device", "cpu", "--windows", "12"]
    assert run_evaluate(parser.parse_args([*map(str, args), *fixed])) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def bars(data: Path) -> Bars:
    """Read the drums of the training split."""
    return read_bars({"drums": load_dataset(data, "train")["drums"]}, "drums")


@pytest.fixture(scope="module")
def phrases(bars: Bars) -> Phrases:
    """Read some windows of drums."""
    return contenders.read_phrases(bars, bars.windows()[:20])


@pytest.fixture(scope="module")
def editor(networks: Path) -> Editor:
    """Load the tiny GAN for drums."""
    return load_editor(load_checkpoint(networks / "gan-drums.safetensors", "gan"))


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_dic_figures(
    kind: str, data: Path, networks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The DIC's JSON has every figure, the dense form's beside it, and a report with plots."""
    found = evaluate(
        capsys,
        *("dic", "--data", data, "--checkpoint", networks / f"dic-{kind}.safetensors"),
        *("--baseline", networks / f"dic-{kind}-dense.safetensors", "--report", tmp_path / "r"),
    )
    assert (found["kind"], found["music"]) == ("dic", kind)
    assert found["baseline_checkpoint"].endswith("-dense.safetensors")
    (figures,) = found["sets"].values()
    assert list(found["sets"]) == [kind]
    keys = {"hit_f1", "onset_f1", "velocity_mae", "timing_mae_ms"}
    keys |= {"duration_mae"} if kind == "pitched" else set()
    assert figures["baseline"].keys() == keys
    assert figures.keys() >= keys | {"windows", "split", "attributes"}
    assert figures["hit_f1"] == figures["onset_f1"]
    assert figures["attributes"].keys() == set(attributes.NAMES)
    assert all(-1 <= value <= 1 for value in figures["attributes"].values())
    assert ("humanise" in figures) == (kind == "drums")
    if kind == "drums":
        assert figures["humanise"].keys() >= {"timing_mae_ms", "timing_kl", "velocity_kl"}
    text = (tmp_path / "r" / "report.md").read_text()
    assert "Asked and found" in text
    for name in ("hit_f1", "attributes", "reconstruction"):
        assert (tmp_path / "r" / f"{name}.png").stat().st_size > 1000


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_gan_figures(
    kind: str, data: Path, networks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The GAN's JSON has every figure beside both baselines, a report, and a card."""
    checkpoint = networks / f"gan-{kind}.safetensors"
    found = evaluate(
        capsys, "gan", "--data", data, "--checkpoint", checkpoint, "--report", tmp_path / "r"
    )
    figures = found["sets"][kind]
    who = {"gan", "random_edit", "dic_only"}
    assert figures["identical_at_zero"] == 1.0
    both = figures["distance_spearman_edit"], figures["distance_spearman_dic"]
    assert figures["distance_spearman"] == min(both)
    assert figures["distance_spearman_edit"] > 0.8
    assert figures["diversity"]["identical_pairs"] <= figures["diversity"]["pairs"]
    assert 0 < figures["step_ms"]["p50"] <= figures["step_ms"]["p99"] <= figures["step_ms"]["max"]
    assert figures["step_ms"]["sixteen"]["p50"] > figures["step_ms"]["p50"]
    for name in ("coverage", "density", "coverage_real", "coverage_share"):
        assert figures[name] >= 0
    for table in (figures["c2st"], figures["c2st_error"]):
        assert table.keys() == who
        assert all(row.keys() == {"0.3", "0.6"} for row in table.values())
    for gap in figures["gaps"].values():
        assert gap.keys() >= who | {"real", "points"}
        assert gap["points"].keys() == who
    text = (tmp_path / "r" / "report.md").read_text()
    assert "two-sample test at 0.3" in text
    for name in ("distance", "two_sample", f"variations_{kind}"):
        assert (tmp_path / "r" / f"{name}.png").stat().st_size > 1000
    (tmp_path / "eval.json").write_text(json.dumps(found))
    assert card_main([str(checkpoint), str(tmp_path / "eval.json")]) == 0
    card = capsys.readouterr().out
    assert "antiphon train gan" in card
    assert "random edits" in card


def test_what_cannot_be_evaluated_is_refused(
    data: Path, networks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint of another kind, music of another kind, and a foreign baseline: one line."""
    dic, gan = networks / "dic-drums.safetensors", networks / "gan-drums.safetensors"
    songs = tmp_path / "songs"
    (songs / "pitched").mkdir(parents=True)
    write_pieces(songs / "pitched" / "validation.npz", [make_piece(1, "pitched")])
    entry = {"licence": "CC0", "splits": {"validation": {"pieces": 1}}}
    write_manifest(songs, {"sets": {"pitched": entry}})
    other = ("--baseline", networks / "dic-pitched-dense.safetensors")
    cases: list[tuple[type[AntiphonError], tuple[str | Path, ...]]] = [
        (CheckpointError, ("dic", "--data", data, "--checkpoint", gan)),
        (CheckpointError, ("gan", "--data", data, "--checkpoint", dic)),
        (CheckpointError, ("gan", "--data", data, "--checkpoint", "nobody")),
        (CheckpointError, ("dic", "--data", data, "--checkpoint", dic, *other)),
        (DataError, ("dic", "--data", songs, "--checkpoint", dic)),
        (DataError, ("gan", "--data", songs, "--checkpoint", gan)),
    ]
    for error, args in cases:
        with pytest.raises(error) as caught:
            evaluate(capsys, *args)
        assert "\n" not in str(caught.value)


def test_sets_of_another_kind_are_left_out_aloud(
    data: Path,
    networks: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A set without notes of the kind is left out with a word, and so is a missing baseline."""
    monkeypatch.setattr(checkpoint, "SHIPPED", networks / "nothing")
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    args = ["dic", "--data", str(data), "--checkpoint", str(networks / "dic-drums.safetensors")]
    assert run_evaluate(parser.parse_args([*args, "--windows", "8"])) == 0
    out, err = capsys.readouterr()
    assert "pitched has no drums notes" in err
    assert "dic-drums-dense" in err
    assert "hit F1" in out


def test_errors_of_a_reconstruction(bars: Bars) -> None:
    """Errors are means over true hits, timing in milliseconds at the tempo of each window."""
    batch = make_batch(bars, bars.windows()[:2])
    batch.bpm[:] = [120, 60]  # a sixteenth is 125 and 250 ms
    offset = batch.roll[..., 2] + 0.1
    hits = batch.roll[..., 0].sum((1, 2, 3))
    wanted = (12.5 * hits[0] + 25 * hits[1]) / hits.sum()
    assert timing_error(offset, batch) == pytest.approx(wanted, rel=1e-4)
    assert mean_error(offset, batch.roll[..., 2], batch) == pytest.approx(0.1, rel=1e-4)


def test_phrases_become_rolls_and_come_back(data: Path) -> None:
    """The rolls of phrases are those of their windows, sustain included."""
    for kind in ("drums", "pitched"):
        bars = read_bars({kind: load_dataset(data, "train")[kind]}, kind)  # type: ignore[arg-type]
        windows = bars.windows()[:5]
        phrases = contenders.read_phrases(bars, windows)
        rolls = make_batch(bars, windows).roll
        np.testing.assert_allclose(contenders.to_rolls(phrases), rolls, atol=1e-6)


def test_contenders_go_equally_far(editor: Editor, phrases: Phrases) -> None:
    """Random edits are as far from each phrase as the GAN's variation, and stay in its slots."""
    made = contenders.gan(editor, phrases, 0.6, 0)
    edited = contenders.random_edit(phrases, made, 0)
    apart = distance(phrases.hit, made.hit)
    assert (apart > 0).all()
    other = distance(phrases.hit, edited.hit)
    assert np.abs(other - apart).mean() < 0.03
    assert (edited.hit * (1 - phrases.valid[..., None])).sum() == 0
    unused = phrases.hit.max((1, 2)) == 0  # (windows, rows)
    assert (edited.hit.max((1, 2))[unused] == 0).all()
    again = contenders.random_edit(phrases, made, 0)
    np.testing.assert_array_equal(edited.hit, again.hit)
    for name in ("velocity", "offset"):
        assert (getattr(edited, name)[edited.hit == 0] == 0).all()


def test_the_dic_alone_goes_as_far_as_it_can(networks: Path, phrases: Phrases) -> None:
    """It comes at least as near to the distance as by going all the way, and knows its own way."""
    codec = load_codec(load_checkpoint(networks / "dic-drums.safetensors", "dic"))
    code = contenders.encode(codec, phrases)
    half = np.arange(len(phrases)) % 2 == 0
    goal = phrases.pick(np.roll(np.arange(len(phrases)), 3))
    wanted = distance(phrases.hit, goal.hit)
    found = contenders.dic_only(codec, phrases, code, goal, half, 0)
    random = np.random.default_rng((0, 2))
    step = contenders.steps(phrases, code, half, random)
    end = Code(code.content + step.content, code.style + step.style)
    whole = contenders.decoded(codec, end, phrases)[0]
    gap = np.abs(distance(phrases.hit, found.hit) - wanted)
    assert (gap <= np.abs(distance(phrases.hit, whole) - wanted) + 1e-6).all()
    np.testing.assert_array_equal(
        found.hit, contenders.dic_only(codec, phrases, code, goal, half, 0).hit
    )
    assert contenders.code_distance(code, code, contenders.spreads(code)).max() == 0


def test_the_knob_is_measured_from_the_phrase_itself(editor: Editor, phrases: Phrases) -> None:
    """The distance is 0 at amount 0 and about the reach at amount 1."""
    figures, curve = knob.measure_distances(editor, phrases, 0)
    assert curve[0, 0] == curve[1, 0] == 0
    assert curve[0, -1] == pytest.approx(editor.reach, abs=0.05)
    assert figures["identical_at_zero"] == 1


def test_halves_keep_pieces_together() -> None:
    """Halves are about equal and no piece is in both; a single piece is cut in its middle."""
    piece = np.repeat(np.arange(20), np.arange(1, 21))
    half = cut_in_half(piece, 3)
    assert 0.4 < half.mean() < 0.6
    assert not set(piece[half]) & set(piece[~half])
    assert cut_in_half(np.zeros(5, np.int64), 0).tolist() == [True, True, False, False, False]


def test_windows_are_chosen_alike_each_time(bars: Bars) -> None:
    """Windows are as many as asked for, each once, and the same for the same seed."""
    windows = choose_windows(bars, 10, 1)
    assert len(set(windows.tolist())) == 10
    np.testing.assert_array_equal(windows, choose_windows(bars, 10, 1))
    assert len(choose_windows(bars, 1000, 1)) == len(bars.windows())


def test_the_classifier_tells_what_can_be_told(phrases: Phrases) -> None:
    """Variations without velocities are found out, and the windows themselves are not."""
    many = phrases.pick(np.repeat(np.arange(len(phrases)), 8))
    half = np.repeat(np.arange(len(phrases)) % 2 == 0, 8)
    dull = replace(many, velocity=np.where(many.hit > 0, 0.1, 0).astype(np.float32))
    found = two_sample.tell_apart(many, {"dull": dull, "same": many}, half, seeds=(0,))
    assert found["dull"].accuracy > 0.9
    assert abs(found["same"].accuracy - 0.5) < 0.2
    source = two_sample.choose_sources(half, 0)
    assert source[half].sum() == source[~half].sum() == len(many) // 4


def test_models_are_listed_with_their_figures(
    networks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list says of each kind what its figures are."""
    monkeypatch.setattr("antiphon_models.checkpoint.SHIPPED", networks)
    monkeypatch.setattr("antiphon_models.checkpoint.user_checkpoints", lambda: networks / "none")
    parser = argparse.ArgumentParser()
    catalogue.add_models_arguments(parser)
    assert catalogue.run_models(parser.parse_args([])) == 0
    text = capsys.readouterr().out
    assert "gan-drums" in text
    assert "Fréchet" in text or "frechet" in text
    assert "nats a note" not in text


def test_evaluating_leaves_torch_out_until_it_starts() -> None:
    """The modules of evaluation can be imported without torch or matplotlib."""
    code = (
        "import sys\n"
        "from antiphon_models import evaluate, evaluate_dic, evaluate_gan, report\n"
        "assert not {'torch', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

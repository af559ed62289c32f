"""The measuring of playing: every part from a tiny network and tiny music to the report."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import torch

from antiphon.errors import UsageError
from antiphon.model import Controls, Event, PlayerInfo, Window
from antiphon.music import Meter, Ticks, Voice
from antiphon_models.checkpoint import save_checkpoint
from antiphon_models.evaluate import PARTS, add_evaluate_arguments, run_evaluate
from antiphon_models.events import Piece, phases
from antiphon_models.generation.continuations import MOST, go_on, prime, run_on
from antiphon_models.generation.controls import KNOBS, measure_controls
from antiphon_models.generation.prompts import Prompt, choose_prompts
from antiphon_models.generation.telling import JUDGES
from antiphon_models.player import Player, PlayerConfig
from antiphon_models.report import verdict_table, write_report


class Obedient:
    """A player that strikes as many notes a beat, as high and as full, as it is asked."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.info = PlayerInfo("obedient", ("one",))
        self.deaf, self.fed, self.last, self.struck = deaf, 0, 0, 0

    def begin(self, meter: Meter, *, metered: bool = True) -> None:
        """Forget."""
        self.fed = self.last = self.struck = 0

    def set_style(self, mix: Any) -> None:
        """Play in no style."""

    def feed(self, event: Event) -> None:
        """Count."""
        self.fed += 1
        self.struck = self.struck + 1 if event.onset == self.last else 1
        self.last = int(event.onset)

    def sample(self, window: Window, controls: Controls, random: Any) -> Event:
        """Play the next note."""
        asked = Controls(voices=controls.voices) if self.deaf else controls
        onset = self.last
        if self.struck >= asked.polyphony:
            onset += round(12 + 48 * (1 - asked.density))
        onset = min(max(onset, window.earliest), window.latest)
        classes = asked.scale.pitch_classes(asked.key)
        middle = (asked.low + asked.high) // 2
        pitch = next(p for p in range(middle, middle + 12) if p % 12 in classes)
        return Event(Ticks(onset), pitch + self.struck % 2 * 12, 80, Voice.KEYS, Ticks(12))

    def snapshot(self) -> object:
        """Return the state."""
        return self.fed, self.last, self.struck

    def restore(self, snapshot: object) -> None:
        """Go back."""
        self.fed, self.last, self.struck = snapshot  # type: ignore[misc]


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    """Lines in one small piece."""
    random = np.random.default_rng(0)
    onset = np.cumsum(random.choice([0, 12, 24], 300))
    beat_phase, bar_phase = phases(onset, 192)
    piece = Piece(
        onset=onset,
        voice=np.full(300, Voice.KEYS),
        pitch=random.integers(50, 70, 300),
        velocity=np.full(300, 80),
        duration=np.full(300, 12),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
    )
    return choose_prompts([piece], 3, 0)


def test_obedience_is_seen(prompts: list[Prompt]) -> None:
    """A player that does what it is asked has rank correlations of 1 and keeps every key."""
    figures, curves = measure_controls(Obedient(), prompts, "one", 0)
    assert set(figures) == {*KNOBS, "key"}
    for name, knob in KNOBS.items():
        assert figures[name]["spearman"] > 0.97
        assert figures[name]["pooled"] > 0.9
        assert curves[name]["measured"].shape == (len(prompts), len(knob.values))
    assert figures["key"]["in_key"] == 1
    assert figures["key"]["unasked"] < 1


def test_deafness_is_seen(prompts: list[Prompt]) -> None:
    """A player that plays the same whatever it is asked has only its scaled velocity right."""
    figures, _ = measure_controls(Obedient(deaf=True), prompts, "one", 0)
    found = {name: figures[name]["spearman"] for name in KNOBS}
    assert found == {"density": 0, "register": 0, "polyphony": 0, "velocity": 1}
    assert figures["key"]["in_key"] == figures["key"]["unasked"]


def test_continuations_stay_in_their_bars(prompts: list[Prompt]) -> None:
    """They begin on or after the line and end with the last bar; long runs have as many notes as
    they should.
    """
    player, prompt = Obedient(), prompts[0]
    primed = prime(player, prompt, "one")
    assert player.fed == len(prompt.heard)
    found = go_on(player, prompt, primed, Controls(), (0, 0))
    again = go_on(player, prompt, primed, Controls(), (0, 0))
    assert 0 < len(found) < MOST
    assert found.notes.onset.tolist() == again.notes.onset.tolist()
    assert (found.notes.onset + found.notes.duration).max() <= found.length
    run = run_on(player, prompt, "one", 50, 0)
    assert len(run) == 50
    assert run.onset[0] >= prompt.start


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny player with random weights."""
    torch.manual_seed(0)
    model = Player(PlayerConfig(width=16, layers=1, head_width=8, styles=("one",)))
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    save_checkpoint(path, "player", model.config.to_dict(), weights, {"seed": 0})
    return path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write music to train on and to evaluate: a folder of tunes, one of drums, one too small."""
    root = tmp_path_factory.mktemp("music")
    for name, channel in (("one", 0), ("drums", 9)):
        for split, count in (("train", 3), ("validation", 4)):
            for index in range(count):
                seed = index + 10 * (split == "train") + 100 * channel
                write_midi(root / name / split / f"{index}.mid", seed, 220, channel)
    write_midi(root / "short" / "validation" / "a.mid", 5, 12, 0)
    return root


def write_midi(path: Path, seed: int, notes: int, channel: int) -> None:
    """Write a MIDI file of quavers and crotchets."""
    random = np.random.default_rng(seed)
    pitches = [36, 38, 42] if channel == 9 else [60, 62, 64, 65, 67, 69, 71]
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    for pitch in random.choice(pitches, notes).tolist():
        length = int(random.choice([240, 480]))
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80, time=0))
        track.append(mido.Message("note_off", channel=channel, note=pitch, time=length))
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.save(path)


def parse(*args: str | Path) -> argparse.Namespace:
    """Parse arguments of the command."""
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    return parser.parse_args(["player", "--device", "cpu", *map(str, args)])


@pytest.fixture(scope="module")
def whole(
    tree: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """Measure everything, quickly; return the figures and the report's folder."""
    report = tmp_path_factory.mktemp("report")
    args = parse("--data", tree, "--checkpoint", checkpoint, "--report", report, "--json")
    args.continuations, args.long_run = 24, 300
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda text="", **_: printed.append(str(text)))
        patch.setattr("antiphon_models.two_sample.EPOCHS", 2)
        patch.setattr("antiphon_models.evaluate_playing.TURNED", 1)
        assert run_evaluate(args) == 0
    found: dict[str, Any] = json.loads(printed[-1])
    return found, report


def test_every_figure_is_there(whole: tuple[dict[str, Any], Path]) -> None:
    """With a report every part is measured, for the player, the n-gram, and the music before."""
    found, _ = whole
    assert found["parts"] == list(PARTS)
    assert found["playing"]["contenders"] == ["player", "ngram", "before"]
    assert "continuations" not in found["sets"]["short"]
    for name in ("one", "drums"):
        figures = found["sets"][name]
        assert figures["pitch_nll"] > 0
        played = figures["continuations"]
        assert played["count"] == 24
        for who in ("player", "ngram", "before"):
            assert all(0 <= area <= 1 for area in played["overlap"][who].values())
            assert all(kl >= 0 for kl in played["kl"][who].values())
            assert set(played["cloud"][who]) == {"precision", "recall", "density", "coverage"}
            assert all(0 <= played["told_apart"][judge][who] <= 1 for judge in JUDGES)
            assert played["copied"][who]["p95"] <= played["copied"][who]["longest"]
        run = figures["long_run"]["player"]
        assert run["notes"] == 300
        assert set(run["in_band"]) == {"pitch", "rhythm"}
        assert set(figures["controls"]) == {"player", "ngram"}
    assert found["sets"]["one"]["controls"]["player"]["key"]["in_key"] == 1
    assert "key" not in found["sets"]["drums"]["controls"]["player"]
    for judge in JUDGES:
        told = found["playing"]["told_apart"][judge]["player"]
        assert told["excerpts"] == 48
        assert 0 <= told["accuracy"] <= 1


def test_music_is_more_like_itself_than_noise_is(whole: tuple[dict[str, Any], Path]) -> None:
    """The bars before overlap more with what comes than what random weights play."""
    found, _ = whole
    area = found["sets"]["one"]["continuations"]["overlap"]
    assert area["before"]["mean"] > area["player"]["mean"]
    assert found["sets"]["one"]["continuations"]["copied"]["human"]["longest"] >= 2


def test_the_report_has_tables_verdicts_and_plots(whole: tuple[dict[str, Any], Path]) -> None:
    """The report says what is asked and what was found, and every plot it shows is there."""
    found, report = whole
    text = (report / "report.md").read_text(encoding="utf-8")
    for heading in ("Asked and found", "Continuations", "Controls", "Long runs", "MusPy"):
        assert heading in text
    verdicts = verdict_table(found)
    for what in ("overlapped area", "two-sample", "density obeyed", "copied passage", "loops"):
        assert what in verdicts
    for name in (
        "overlap", "told_apart", "copied", "controls", "long_run", "pitch_nll", "calibration"
    ):  # fmt: skip
        assert f"({name}.png)" in text
        assert (report / f"{name}.png").stat().st_size > 1000


def test_parts_can_be_left_out(
    tree: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without likelihoods, baselines and a report only what is asked for is measured, and shown as
    tables.
    """
    where = ("--data", tree, "--checkpoint", checkpoint)
    args = parse(*where, "--no-baselines", "--parts", "long-run", "--long-run", "120")
    assert run_evaluate(args) == 0
    shown = capsys.readouterr().out
    assert "Long runs" in shown
    assert "n-gram" not in shown
    assert "Continuations" not in shown


@pytest.mark.parametrize("option", ["--continuations", "--long-run"])
def test_nothing_to_play_is_refused(option: str, tree: Path, checkpoint: Path) -> None:
    """No continuations, or no notes, are refused in one line that names the way out."""
    with pytest.raises(UsageError, match="--parts") as caught:
        run_evaluate(parse("--data", tree, "--checkpoint", checkpoint, option, "0"))
    assert "\n" not in str(caught.value)


def test_a_report_without_playing_has_no_verdicts(
    whole: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    """Where nothing was played nothing is judged, and the report still shows the likelihoods."""
    found, _ = whole
    sets = {
        name: {k: v for k, v in f.items() if k not in ("continuations", "controls", "long_run")}
        for name, f in found["sets"].items()
    }
    quiet = {**found, "sets": sets, "playing": {}}
    assert verdict_table(quiet) == ""
    assert "Continuations" not in write_report(tmp_path, quiet, {}).read_text(encoding="utf-8")


def test_the_prompt_is_heard_as_it_was_played(prompts: list[Prompt]) -> None:
    """What is heard keeps its velocities and times; only what is compared is spelt."""
    prompt = prompts[0]
    assert set(prompt.heard.velocity.tolist()) == {80}
    assert set(prompt.after.notes.velocity.tolist()) == {82}
    assert len(replace(prompt, bar=192).voices) == 1


def test_who_only_heard_single_notes_is_not_asked_for_chords(prompts: list[Prompt]) -> None:
    """Where no two notes of the prompts are struck at once, polyphony is left out."""
    alone = []
    for prompt in prompts:
        _, first = np.unique(prompt.heard.onset, return_index=True)
        alone.append(replace(prompt, heard=prompt.heard.select(first)))
    figures, _ = measure_controls(Obedient(), alone, "one", 0)
    assert "polyphony" not in figures
    assert "density" in figures

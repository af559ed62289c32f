"""Train Notochord's network and measure it; runs in its environment, not in this project's.

python peer_trainer.py train EVENTS.npz MODEL.pt --minutes M --threads N
python peer_trainer.py measure EVENTS.npz MODEL.pt FIGURES.json

``peer_training.py`` starts it and says how; the events are those of ``peer_events.py``. Network,
loss and augmentation are those of the package: ``Notochord()`` with its defaults, ``forward``
with random masks over the order of an event's parts, ``MIDIDataset``'s changes of a slice.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import signal
import time
from pathlib import Path

import numpy as np
import torch
from notochord.data import MIDIDataset
from notochord.model import Notochord

START = {"instrument": 0, "pitch": 128, "time": 0.0, "velocity": 0.0}
PARTS = tuple(START)
MARGIN = 1e-3  # seconds by which its loader moves beginnings later and ends earlier, at most
TRANSPOSE, SPEED = 5, 0.1  # its loader's
CLIP, DECAY = 1.0, 0.01  # its trainer's, like AdamW's betas, which are torch's
TEMPER = 0.2  # as this project's player is trained: folders by their events to this power
ENTER = 0.25  # share of slices that begin where their piece begins
WARM_UP = 50
ASKED = ("batch", "length", "lr", "seed")  # of a run, to its end
LOG_SECONDS, SAVE_SECONDS = 30, 180


class Corpus:
    """The events of all pieces in a row."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as found:
            self.columns = {name: found[name] for name in PARTS}
            self.starts, self.folder = found["starts"], found["folder"]
            self.folders = [str(name) for name in found["folders"]]
        self.lengths = np.diff(self.starts)

    def read(self, piece: int, first: int, length: int) -> dict[str, torch.Tensor]:
        """Return some events of a piece, times counted from its first; the start is number 0."""
        low = self.starts[piece] + max(first - 1, 0)
        high = min(self.starts[piece] + first - 1 + length, self.starts[piece + 1])
        found = {name: column[low:high] for name, column in self.columns.items()}
        if first == 0:
            found = {name: np.concatenate([[START[name]], found[name]]) for name in PARTS}
        whole = ("instrument", "pitch")
        return {n: torch.tensor(v.astype("i8" if n in whole else "f8")) for n, v in found.items()}


class Slices(MIDIDataset):
    """Random slices of a corpus, changed as the package's loader changes them.

    What differs from it: folders and pieces are drawn as this project's player sees them, not
    each file as often as any other; a quarter begin where the piece does, since the measure does;
    only the last slice of a piece is padded; instruments keep their numbers; events of one time
    keep their order (there, the margin shuffles chords).
    """

    def __init__(self, corpus: Corpus, length: int) -> None:
        self.corpus, self.length = corpus, length
        events = np.bincount(corpus.folder, corpus.lengths, len(corpus.folders))
        chance = corpus.lengths * events[corpus.folder] ** (TEMPER - 1)
        self.upto = np.cumsum(chance) / chance.sum()

    def draw(self, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one slice, with ``end`` and ``mask``."""
        piece = min(int(np.searchsorted(self.upto, random.random())), len(self.upto) - 1)
        whole = int(self.corpus.lengths[piece]) + 1  # the start token counts
        latest = max(whole - self.length, 0)
        first = 0 if random.random() < ENTER else int(random.integers(latest + 1))
        found = self.change(self.corpus.read(piece, first, self.length), random)
        have = len(found["pitch"])
        found["end"] = torch.zeros(have, dtype=torch.long)
        found["end"][-1] = first + have == whole
        found["mask"] = torch.ones(have, dtype=torch.bool)
        pad = (0, self.length - have)
        return {name: torch.nn.functional.pad(value, pad) for name, value in found.items()}

    def change(
        self, found: dict[str, torch.Tensor], random: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Transpose, stretch and blur."""
        real = found["pitch"] < START["pitch"]
        melodic = self.is_melodic(found["instrument"]) & real
        pitch = found["pitch"]
        if melodic.any():
            down = min(TRANSPOSE, int(pitch[melodic].min()))
            up = min(TRANSPOSE, 127 - int(pitch[melodic].max()))
            pitch = pitch + int(random.integers(-down, up + 1)) * melodic
        velocity = self.velocity_curve(self.velocity_dequantize(found["velocity"]))
        sounds = found["velocity"] > 0
        stretched = found["time"] * random.uniform(1 - SPEED, 1 + SPEED)
        shift = torch.rand_like(stretched) * MARGIN
        moved = torch.where(sounds, stretched + shift, stretched - shift)
        return {
            "instrument": found["instrument"],
            "pitch": pitch,
            "time": since_before(moved, real),
            "velocity": velocity.float(),
        }


def since_before(moved: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Turn times into times since the event before, in the order in which they are."""
    moved = moved.cummax(0).values
    apart = torch.diff(moved, prepend=moved[:1])
    # What came before a slice is as unknown to it as what came before a piece.
    apart[1:] *= real[:-1]
    return apart.float()


def train(args: argparse.Namespace) -> None:
    corpus = Corpus(args.events)
    slices = Slices(corpus, args.length)
    torch.manual_seed(args.seed)
    model = Notochord()
    optimiser = torch.optim.AdamW(model.parameters(), args.lr, weight_decay=DECAY)
    step, seconds, events = 0, 0.0, 0
    if args.model.is_file():
        state = torch.load(args.model)
        for name in ASKED:
            if state[name] != vars(args)[name]:
                raise SystemExit(
                    f"expected --{name} {state[name]}, as {args.model} was begun; "
                    f"found {vars(args)[name]}; take the same, or another folder"
                )
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds, events = state["step"], state["seconds"], state["events"]
        torch.manual_seed(args.seed + step)
        print(f"going on after {seconds / 60:.1f} minutes, {step} steps", flush=True)
    model.train()
    weights = sum(p.numel() for p in model.parameters())
    print(
        f"{weights:,} weights, {int(corpus.lengths.sum()):,} events, "
        f"{args.batch} x {args.length} a step, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads",
        flush=True,
    )

    def save() -> None:
        temporary = args.model.with_suffix(".tmp")
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
        about = {"step": step, "seconds": seconds, "events": events, "weights": weights}
        asked = {name: vars(args)[name] for name in (*ASKED, "threads")}
        torch.save({**state, **about, **asked}, temporary)
        temporary.replace(args.model)

    stop = False

    def end(*_: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    logged = saved = began = time.monotonic()
    before, sums, seen = seconds, dict.fromkeys((*PARTS, "end"), 0.0), 0
    log = args.model.with_suffix(".csv").open("a", newline="")
    writer = csv.writer(log)
    while seconds < args.minutes * 60 and not stop:
        random = np.random.default_rng((args.seed, step))
        drawn = [slices.draw(random) for _ in range(args.batch)]
        batch = {name: torch.stack([one[name] for one in drawn]) for name in drawn[0]}
        result = model(*(batch[name] for name in (*PARTS, "end")))
        mask = batch["mask"][:, 1:]
        losses = {n: -result[f"{n}_log_probs"].masked_select(mask).mean() for n in sums}
        optimiser.zero_grad()
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP, error_if_nonfinite=True)
        done = min(seconds / (args.minutes * 60), 1.0)
        for group in optimiser.param_groups:
            anneal = 0.5 * (1 + math.cos(math.pi * done))
            group["lr"] = args.lr * min((step + 1) / WARM_UP, 1.0) * anneal
        optimiser.step()
        step, events, seen = step + 1, events + int(mask.sum()), seen + 1
        for name, value in losses.items():
            sums[name] += value.item()
        now = time.monotonic()
        seconds = before + now - began
        if now - logged >= LOG_SECONDS or seconds >= args.minutes * 60 or stop:
            means = {name: value / seen for name, value in sums.items()}
            writer.writerow([f"{seconds:.1f}", step, events, *(f"{v:.4f}" for v in means.values())])
            log.flush()
            print(
                f"{seconds / 60:6.1f} min  step {step:6d}  {events / seconds:6,.0f} events/s  loss "
                f"{sum(means.values()):.3f}  pitch {means['pitch']:.3f}",
                flush=True,
            )
            logged, sums, seen = now, dict.fromkeys(sums, 0.0), 0
        if now - saved >= SAVE_SECONDS:
            save()
            saved = now
    if seconds > before:
        save()


@torch.inference_mode()
def measure(args: argparse.Namespace) -> None:
    corpus = Corpus(args.events)
    state = torch.load(args.model)
    model = Notochord()
    model.load_state_dict(state["model"])
    model.eval()
    figures = {}
    for index, folder in enumerate(corpus.folders):
        pieces = np.flatnonzero(corpus.folder == index)
        pieces = pieces[np.argsort(corpus.lengths[pieces])]
        began, totals, notes = time.monotonic(), np.zeros(2), 0
        for first in range(0, len(pieces), args.side):
            found, count = score(model, corpus, pieces[first : first + args.side])
            totals, notes = totals + found, notes + count
        figures[folder] = {
            "notes": notes,
            "pitch_nll": totals[0] / notes,
            "pitch_nll_held_keys_too": totals[1] / notes,
        }
        took = time.monotonic() - began
        print(f"{folder}: {notes:,} notes, {totals[0] / notes:.3f} nats, {took:.0f} s", flush=True)
    names = ("weights", "step", "seconds", "events", *ASKED, "threads")
    about = {"torch": torch.__version__, **{name: state[name] for name in names}}
    args.figures.write_text(json.dumps({"about": about, "sets": figures}))


def score(model: Notochord, corpus: Corpus, pieces: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the nats of the pitches of all beginnings, with and without held keys left out.

    The state goes from the start token to the end of each piece. Times lie in the middle of the
    margins that it was trained with.
    """
    read = [unchanged(corpus.read(p, 0, int(corpus.lengths[p]) + 1)) for p in pieces]
    side = {n: torch.nn.utils.rnn.pad_sequence([r[n] for r in read], True) for n in PARTS}
    held = torch.nn.utils.rnn.pad_sequence([held_keys(one) for one in read], True)
    batch, length = side["pitch"].shape
    hidden = tuple(s.expand(-1, batch, -1).contiguous() for s in model.initial_state)
    totals, notes = np.zeros(2), 0
    for at in range(0, length - 1, 256):
        part = {name: value[:, at : at + 257] for name, value in side.items()}
        parts = [
            embedding(part[name]) for embedding, name in zip(model.embeddings, PARTS, strict=True)
        ]
        h, hidden = model.rnn(sum(parts)[:, :-1], hidden)
        begins = part["velocity"][:, 1:] > 0  # (batch, time); padding has velocity 0
        known = model.h_proj(h[begins])
        instrument, _, elapsed, velocity = (e[:, 1:][begins] for e in parts)
        logits = model.projection("p")((known + instrument + elapsed + velocity).tanh())
        truth = part["pitch"][:, 1:][begins][:, None]
        free = logits.masked_fill(held[:, at + 1 : at + 257][begins], -math.inf)
        for index, scores in enumerate((free, logits)):
            totals[index] -= float(scores.log_softmax(-1).gather(-1, truth).double().sum())
        notes += len(truth)
    return totals, notes


def unchanged(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return events as they are, with times since the event before."""
    real = found["pitch"] < START["pitch"]
    half = torch.where(found["velocity"] > 0, MARGIN / 2, -MARGIN / 2)
    elapsed = since_before(found["time"] + half, real)
    return {**found, "time": elapsed, "velocity": found["velocity"].float()}


def held_keys(found: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return which pitches the instrument of each event holds before it, (events, 129).

    The package's own sampler never begins a note on these, nor on the start token.
    """
    held = torch.zeros(len(found["pitch"]), START["pitch"] + 1, dtype=torch.bool)
    held[:, START["pitch"]] = True
    sounding: dict[int, set[int]] = {}
    columns = (found[name].tolist() for name in ("instrument", "pitch", "velocity"))
    for index, (instrument, pitch, velocity) in enumerate(zip(*columns, strict=True)):
        keys = sounding.setdefault(instrument, set())
        held[index, list(keys)] = True
        if velocity > 0:
            keys.add(pitch)
        else:
            keys.discard(pitch)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train")
    training.add_argument("--minutes", type=float, required=True)
    training.add_argument("--batch", type=int, required=True)
    training.add_argument("--length", type=int, required=True)
    training.add_argument("--lr", type=float, required=True)
    training.add_argument("--seed", type=int, required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--side", type=int, default=64, help="pieces side by side")
    for command, work in ((training, train), (measuring, measure)):
        command.add_argument("events", type=Path)
        command.add_argument("model", type=Path)
        command.add_argument("--threads", type=int, required=True)
        command.set_defaults(work=work)
    measuring.add_argument("figures", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.work(args)


if __name__ == "__main__":
    main()

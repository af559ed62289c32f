"""The training loop of every network; a recipe says what is special about each.

A run's folder holds the best checkpoint (``<kind>.safetensors``), ``log.csv`` (one figure a row)
and ``resume.pt``, from which ``--resume`` goes on where the run stopped (bit for bit on a CPU).
"""

from __future__ import annotations

import argparse
import csv
import math
import pickle
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from rich.progress import Progress
from torch import Tensor, nn

from antiphon.errors import CheckpointError, UsageError
from antiphon_models.checkpoint import SUFFIX, git_revision, save_checkpoint

Figures = dict[tuple[str, str], float]
"""(style, what) -> figure; ("all", "score") is what the best checkpoint is chosen by (lower)."""

SAVE_MINUTES: Final = 5.0
LOG_SECONDS: Final = 30.0
INTERRUPTED: Final = 130


class Recipe(Protocol):
    """What the loop needs to know about a network."""

    kind: str
    model: nn.Module
    learning_rate: float
    warm_up: int
    weight_decay: float

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next batch; return its loss and the notes in it."""

    def validate(self, model: nn.Module) -> Figures:
        """Measure a model on held-out data."""

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""

    def state(self) -> dict[str, Any]:
        """Return what goes on between steps, besides weights: tensors and plain values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


class Loop:
    """One training run.

    The learning rate falls along a cosine over ``max(steps done / steps, time / minutes)``, so
    that a run always ends annealed. Validated and stored are averaged weights, whose
    average spans the last tenth of the run so far.
    """

    def __init__(self, recipe: Recipe, args: argparse.Namespace, device: torch.device) -> None:
        self.recipe, self.args, self.device = recipe, args, device
        model = recipe.model
        self.weights = dict(model.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self.weights.items()}
        decayed = [p for p in self.weights.values() if p.dim() >= 2]
        other = [p for p in self.weights.values() if p.dim() < 2]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": other, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
            betas=(0.9, 0.99),
        )
        self.step = self.notes = 0
        self.elapsed = 0.0
        self.best = math.inf
        self.stop = False
        self._bar = Progress(transient=True, disable=not sys.stdout.isatty())

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        by_step = self.step / self.args.steps if self.args.steps else 0.0
        by_time = self.elapsed / (60 * self.args.minutes) if self.args.minutes else 0.0
        return min(max(by_step, by_time), 1.0)

    def run(self, resume: Path | None) -> int:
        """Train to the end, or until interrupted; return the exit status."""
        if resume is not None:
            self._load(resume)
        began = time.monotonic() - self.elapsed
        validated = saved = logged = self.elapsed
        losses: list[Tensor] = []
        notes_at_log = self.notes
        self.recipe.model.train()
        with _interruptible(self), self._bar:
            task = self._bar.add_task("training", total=1.0)
            while self.progress < 1 and not self.stop:
                losses.append(self._step())
                self.elapsed = time.monotonic() - began
                self._bar.update(task, completed=self.progress)
                if self.elapsed - logged >= LOG_SECONDS or self.step == 1:
                    loss = float(torch.stack(losses).mean())
                    speed = (self.notes - notes_at_log) / max(self.elapsed - logged, 1e-9)
                    self._log("train", {("all", "loss"): loss, ("all", "notes_per_s"): speed})
                    self._say(f"loss {loss:.4f}  {speed:,.0f} notes/s")
                    losses, logged, notes_at_log = [], self.elapsed, self.notes
                    if not math.isfinite(loss):
                        raise UsageError(
                            "expected the loss to stay finite",
                            f"found {loss} at step {self.step}",
                            "train with a smaller --lr",
                        )
                if self.elapsed - validated >= 60 * self.args.validate_minutes:
                    self._validate()
                    validated = self.elapsed = time.monotonic() - began
                if self.elapsed - saved >= 60 * SAVE_MINUTES:
                    self._save()
                    saved = self.elapsed
            if self.stop:
                self._save()
                self._say("interrupted; saved, go on with --resume")
                return INTERRUPTED
            self._validate()
            self._save()
        return 0

    def _step(self) -> Tensor:
        recipe = self.recipe
        rate = recipe.learning_rate * min(1.0, (self.step + 1) / recipe.warm_up)
        rate *= 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss, notes = recipe.loss()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(recipe.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.notes += notes
        keep = min(0.999, 1 - 10 / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.values()), [p.data for p in self.weights.values()], 1 - keep
            )
        return loss.detach()

    def _validate(self) -> None:
        """Measure the averaged weights, and store them if they are the best so far."""
        model = self.recipe.model
        model.eval()
        with _swapped(self.weights, self.average):
            figures = self.recipe.validate(model)
        model.train()
        self._log("validation", figures)
        styles = dict.fromkeys(style for style, _ in figures)
        for style in styles:
            values = "  ".join(f"{k} {v:.3f}" for (s, k), v in figures.items() if s == style)
            self._say(f"validation  {style:<12} {values}")
        score = figures["all", "score"]
        if score <= self.best:
            self.best = score
            info = {
                **self.recipe.info(),
                "metrics": {f"{style}/{what}": round(v, 5) for (style, what), v in figures.items()},
                "notes_seen": self.notes,
                "steps": self.step,
                "minutes": round(self.elapsed / 60, 2),
                "seed": self.args.seed,
                "revision": git_revision(),
                "command": _command(self.args),
                "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "torch": torch.__version__,
            }
            weights = {name: p.cpu().numpy() for name, p in self.average.items()}
            path = self.args.out / f"{self.recipe.kind}{SUFFIX}"
            save_checkpoint(path, self.recipe.kind, self.recipe.config(), weights, info)

    def _log(self, split: str, figures: Figures) -> None:
        path = self.args.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("step", "minutes", "notes", "split", "style", "what", "value"))
            minutes = f"{self.elapsed / 60:.3f}"
            for (style, what), value in figures.items():
                row = (self.step, minutes, self.notes, split, style, what, f"{value:.6g}")
                writer.writerow(row)

    def _say(self, text: str) -> None:
        print(f"{self.elapsed / 60:6.1f} min  step {self.step:>6}  {text}", flush=True)

    def _save(self) -> None:
        state = {
            "config": self.recipe.config(),
            "weights": {name: p.detach() for name, p in self.weights.items()},
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "recipe": self.recipe.state(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "notes": self.notes,
            "elapsed": self.elapsed,
            "best": self.best,
        }
        path = self.args.out / "resume.pt"
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    def _load(self, path: Path) -> None:
        expected, remedy = f"expected a run to resume at {path}", "train anew in another --out"
        try:
            # On the CPU first: the random state must stay there.
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            found = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(expected, f"found a broken file ({found})", remedy) from error
        if not self.recipe.same_run(state["config"]):
            raise CheckpointError(expected, "found one of another preset or data set", remedy)
        with torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(state["weights"][name])
                self.average[name].copy_(state["average"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.recipe.restore(state["recipe"])
        torch.set_rng_state(state["random"])
        self.step, self.notes = state["step"], state["notes"]
        self.elapsed, self.best = state["elapsed"], state["best"]


def choose_preset(
    presets: Mapping[str, dict[str, Any]], name: str | None, usual: str
) -> dict[str, Any]:
    """Return a preset by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name is not None and name not in presets:
        raise UsageError(
            f"--preset is one of {', '.join(presets)}", f"found {name!r}", "correct it"
        )
    return presets[name or usual]


def _command(args: argparse.Namespace) -> str:
    """Write the command that made a run; folders by their names, wherever they lay."""
    words = ["antiphon", "train", args.kind]
    for name, value in sorted(vars(args).items()):
        option = "--" + name.replace("_", "-")
        if name in ("kind", "command") or value is None or value is False:
            continue
        words += [option] if value is True else [option, getattr(value, "name", str(value))]
    return shlex.join(words)


@contextmanager
def _swapped(weights: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Iterator[None]:
    """Lend the model other weights for a while."""
    own = {name: p.data for name, p in weights.items()}
    try:
        for name, p in weights.items():
            p.data = other[name]
        yield
    finally:
        for name, p in weights.items():
            p.data = own[name]


@contextmanager
def _interruptible(loop: Loop) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the loop after the step it is in."""

    def request(signum: int, frame: object) -> None:
        loop.stop = True

    before = {s: signal.signal(s, request) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)

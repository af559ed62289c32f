"""The training loop of every network; a recipe says what is special about each.

A run's folder holds the best checkpoint (``<kind>.safetensors``), ``log.csv`` (one figure a row)
with its ``curves.png``, and ``resume.pt``, from which ``--resume`` goes on where the run stopped
(bit for bit on a CPU).
"""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor, nn

from antiphon.errors import CheckpointError, UsageError
from antiphon_models.checkpoint import SUFFIX, git_revision, save_checkpoint
from antiphon_models.parallel import Ranks
from antiphon_models.precision import autocast, choose_bf16
from antiphon_models.recipe import Recipe
from antiphon_models.run_folder import (
    Figures,
    load_state,
    save_state,
    write_curves,
    write_log,
)

SAVE_MINUTES: Final = 5.0
VALIDATE_MINUTES: Final = 5.0
TUNING_VALIDATIONS: Final = 12
TUNING_PATIENCE: Final = 4
"""In a run that starts from weights to be improved, unless it is told otherwise."""

LOG_SECONDS: Final = 30.0
INTERRUPTED: Final = 130


class Loop:
    """One training run.

    The learning rate falls along a cosine over ``max(steps done / steps, time / minutes)``, so
    that a run always ends annealed. Validated and stored are averaged weights, whose
    average spans the last tenth of the run so far.
    """

    def __init__(
        self,
        recipe: Recipe,
        args: argparse.Namespace,
        device: torch.device,
        ranks: Ranks | None = None,
    ) -> None:
        self.recipe, self.args, self.device = recipe, args, device
        self.ranks = ranks or Ranks()
        model = recipe.model
        self.weights = dict(model.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self.weights.items()}
        decayed = [p for p in self.weights.values() if p.dim() >= 2]
        other = [p for p in self.weights.values() if p.dim() < 2]
        decay = recipe.weight_decay if args.weight_decay is None else args.weight_decay
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": decay},
                {"params": other, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
            betas=(0.9, 0.99),
        )
        self.step = self.notes = 0
        self.elapsed = 0.0
        self.best = math.inf
        self.stale = 0  # validations in a row without a better score
        self.bf16 = False
        self.stop = self.stopping = False  # asked of this process; agreed by all
        self._began = 0.0
        self._steps = args.steps or recipe.steps
        self._validated = (0, 0.0, 0.0)  # step, seconds and progress of the last validation
        usual = TUNING_PATIENCE if recipe.tunes else 0
        self._patience: int = usual if args.patience is None else args.patience
        shown = sys.stdout.isatty() and self.ranks.leads
        self._bar = Progress(
            *(TextColumn("training"), BarColumn(), TextColumn("{task.percentage:.0f} %")),
            TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(),
            transient=True,
            disable=not shown,
        )

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        by_step = self.step / self._steps if self._steps else 0.0
        by_time = self.elapsed / (60 * self.args.minutes) if self.args.minutes else 0.0
        return min(max(by_step, by_time), 1.0)

    @property
    def patient(self) -> bool:
        """Whether the validations still get better often enough to go on."""
        return not self._patience or self.stale < self._patience

    def run(self, resume: bool) -> int:
        """Train to the end, or until interrupted; return the exit status."""
        if resume:
            self._load()
        else:
            self._choose_precision()
        self._began = time.monotonic() - self.elapsed
        if self.recipe.tunes and not resume:
            self._validate()
        saved = logged = self.elapsed
        self._validated = (-1, self.elapsed, self.progress)
        losses: list[Tensor] = []
        notes_at_log = self.notes
        self.recipe.model.train()
        with _interruptible(self), self._bar:
            task = self._bar.add_task("training", total=1.0, what="")
            while self.progress < 1 and self.patient and not self.stopping:
                losses.append(self._step())
                self._look_at_the_clock()
                self._bar.update(task, completed=self.progress)
                if self.elapsed - logged >= LOG_SECONDS or self.step == 1:
                    loss = float(torch.stack(losses).mean())
                    speed = (self.notes - notes_at_log) / max(self.elapsed - logged, 1e-9)
                    self._log("train", {("all", "loss"): loss, ("all", "notes_per_s"): speed})
                    self._say(f"loss {loss:.4f}  {speed:,.0f} notes/s")
                    self._bar.update(task, what=f"loss {loss:.3f}  {speed:,.0f} notes/s")
                    losses, logged, notes_at_log = [], self.elapsed, self.notes
                    if not math.isfinite(loss):
                        raise UsageError(
                            "expected the loss to stay finite",
                            f"found {loss} at step {self.step}",
                            "train with a smaller --lr",
                        )
                if self._validation_is_due():
                    self._validate()
                if self.elapsed - saved >= 60 * SAVE_MINUTES:
                    self._save()
                    saved = self.elapsed
            if self.stopping:
                self._save()
                self._say("interrupted; saved, go on with --resume")
                return INTERRUPTED
            if self._validated[0] != self.step:
                self._validate()
            if not self.patient:
                self._say(f"no better for {self.stale} validations; the best is kept")
            self._save()
        return 0

    def _validation_is_due(self) -> bool:
        _, seconds, progress = self._validated
        minutes = self.args.validate_minutes
        if minutes is None and self.recipe.tunes:
            return int(self.progress * TUNING_VALIDATIONS) > int(progress * TUNING_VALIDATIONS)
        minutes = VALIDATE_MINUTES if minutes is None else minutes
        return bool(self.elapsed - seconds >= 60 * minutes)

    def _look_at_the_clock(self) -> None:
        """Take the time, and hear whether to stop; the same in every process."""
        elapsed = time.monotonic() - self._began
        self.stopping, self.elapsed = self.ranks.agree(self.stop, elapsed)

    def _choose_precision(self) -> None:
        trial = self.recipe.trial
        chosen = (False, "")
        if self.ranks.leads:
            chosen = choose_bf16(self.args.precision, trial, self.device)
        self.bf16, reason = self.ranks.broadcast(chosen)
        if trial is not None:
            self.ranks.say(f"precision: {reason}")

    def _step(self) -> Tensor:
        recipe = self.recipe
        rate = recipe.learning_rate * min(1.0, (self.step + 1) / recipe.warm_up)
        rate *= 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with autocast(self.device, self.bf16):
            loss, notes = recipe.loss()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.ranks.world > 1:
            loss, notes = self._join(loss, notes)
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

    def _join(self, loss: Tensor, notes: int) -> tuple[Tensor, int]:
        """Make gradients, loss and notes those of the whole batch."""
        weight = float(notes) if self.recipe.by_note else 1.0
        loss, _ = self.ranks.average_gradients(self.recipe.model.parameters(), weight, loss)
        return loss, self.ranks.total(notes)

    def _validate(self) -> None:
        """Measure the averaged weights, and store them if they are the best so far."""
        model = self.recipe.model
        figures: Figures = {}
        if self.ranks.leads:
            model.eval()
            with _swapped(self.weights, self.average):
                figures = self.recipe.validate(model)
            model.train()
        figures, config = self.ranks.broadcast((figures, self.recipe.config()))
        if not self.ranks.leads:
            self.recipe.adopt(config)
        self._log("validation", figures)
        for style in dict.fromkeys(style for style, _ in figures):
            values = "  ".join(f"{k} {v:.3f}" for (s, k), v in figures.items() if s == style)
            self._say(f"validation  {style:<12} {values}")
        score = figures["all", "score"]
        self.stale = 0 if score < self.best else self.stale + 1
        if score <= self.best:
            self.best = score
            if self.ranks.leads:
                self._store(figures)
        if self.ranks.leads:
            write_curves(self.args.out)
        self._look_at_the_clock()
        self._validated = (self.step, self.elapsed, self.progress)

    def _store(self, figures: Figures) -> None:
        info = {
            **self.recipe.info(),
            "metrics": {f"{style}/{what}": round(v, 5) for (style, what), v in figures.items()},
            "notes_seen": self.notes,
            "steps": self.step,
            "minutes": round(self.elapsed / 60, 2),
            "precision": "bf16" if self.bf16 else "fp32",
            "processes": self.ranks.world,
            "seed": self.args.seed,
            "revision": git_revision(),
            "command": _command(self.args),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "torch": torch.__version__,
        }
        weights = {name: p.cpu().numpy() for name, p in self.average.items()}
        path = self.args.out / f"{self.recipe.kind}{SUFFIX}"
        known = self.recipe.passages()
        save_checkpoint(path, self.recipe.kind, self.recipe.config(), weights, info, known)

    def _log(self, split: str, figures: Figures) -> None:
        if self.ranks.leads:
            write_log(self.args.out, self.step, self.elapsed, self.notes, split, figures)

    def _say(self, text: str) -> None:
        self.ranks.say(f"{self.elapsed / 60:6.1f} min  step {self.step:>6}  {text}")

    def _save(self) -> None:
        own = {"recipe": self.recipe.state(), "random": torch.get_rng_state()}
        ranks = self.ranks.gather(own)
        if not self.ranks.leads:
            return
        state = {
            "config": self.recipe.config(),
            "weights": {name: p.detach() for name, p in self.weights.items()},
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "ranks": ranks,
            "bf16": self.bf16,
            "step": self.step,
            "notes": self.notes,
            "elapsed": self.elapsed,
            "best": self.best,
            "stale": self.stale,
        }
        save_state(self.args.out, state)

    def _load(self) -> None:
        state = load_state(self.args.out, self.ranks.world)
        if not self.recipe.same_run(state["config"]):
            raise CheckpointError(
                f"expected a run to resume in {self.args.out}",
                "found one of another preset or data set",
                "train anew in another --out",
            )
        self.recipe.adopt(state["config"])
        with torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(state["weights"][name])
                self.average[name].copy_(state["average"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        own = state["ranks"][self.ranks.rank]
        self.recipe.restore(own["recipe"])
        torch.set_rng_state(own["random"])
        self.bf16 = state["bf16"]
        self.step, self.notes = state["step"], state["notes"]
        self.elapsed, self.best, self.stale = state["elapsed"], state["best"], state["stale"]


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

"""Playing a player: the network one note at a time, on the CPU, without torch.

:class:`RecurrentPlayer` keeps what has been heard and said; a :class:`Network` does the
arithmetic (see :mod:`antiphon_models.player`). :func:`load_player` makes one of a checkpoint.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from threadpoolctl import threadpool_limits

from antiphon.errors import UsageError
from antiphon.model import Controls, Event, PlayerInfo, Window
from antiphon.music import TICKS_PER_BEAT, Meter, Pedal, Voice
from antiphon_models.checkpoint import SHIPPED, SUFFIX, load_checkpoint, user_checkpoints
from antiphon_models.conditions import asked, known
from antiphon_models.constraints import Own
from antiphon_models.events import (
    BAR_BEATS,
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    DURATION_MASKED,
    FIELDS,
)
from antiphon_models.folding import Weights
from antiphon_models.hearing import Hearing
from antiphon_models.kernel import Kernel, load_kernel
from antiphon_models.motif import NOTHING, TRUSTS, Expected, Motifs
from antiphon_models.network import Network, NumpyNetwork, check_weights
from antiphon_models.network_kernel import KernelNetwork, fits_kernel
from antiphon_models.passages import Line, Passages
from antiphon_models.pedal import Foot, PedalHead, head_of, pedal_uniform, shift_class
from antiphon_models.rounding import round_weights
from antiphon_models.sampling import DRAWS, FloatArray, draw_event, nearest_bin

GPU_FROM: Final = 16_000_000
"""Weights from which a GPU is taken, where there is one; see :func:`choose_device`."""

EXPECTED: Final = (*(f"motif_{field}" for field in FIELDS), "trust", "step_pitch", "step_trust")
"""What the heads call the parts of :class:`antiphon_models.motif.Expected`."""

EVENED: Final = 12
"""Own notes over which their level is averaged, to hold it against what was asked for."""

MOST_OFF: Final = 4.0
"""How many times louder or softer than asked a network is taken to play, at most."""

ALONE: Final = 256
"""Own notes in a row after which the network goes back to where the musician left it.

What it hears of itself for a thousand notes leads it where no music was: long runs ended in
clusters. Its memory of motifs stays, so it goes on, but from the musician's last phrase.
"""

SOFTEST: Final = 0.05
"""Scales of the velocity below this ask the network for no less."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a player remembers. The style is a setting, not a memory."""

    memory: Any
    left: Any
    alone: int
    own: Own
    line: Line
    hearing: Hearing
    loudness: float
    last: int | None
    bar_ticks: int
    metered: bool
    foot: Foot


class RecurrentPlayer:
    """Implements :class:`antiphon.model.Player` around a network.

    A note counts as the partner's own if the very object that :meth:`sample` returned last is
    fed; everything else is heard. The style outlasts :meth:`begin` and :meth:`restore`.
    """

    def __init__(
        self,
        network: Network,
        info: PlayerInfo,
        styles: FloatArray,
        config: Mapping[str, Any] | None = None,
        pedal: PedalHead | None = None,
    ) -> None:
        self._network, self._info = network, info
        self._pedal, self._foot = pedal, Foot()
        config = config or {}
        self._motifs = Motifs() if config.get("memory") else None
        self._expected = NOTHING
        self._conditioned = bool(config.get("conditions"))
        self._asked: Any = None
        self._told: dict[str, int] = {}
        self._styles = styles  # (1 + styles, width)
        self._passages: Passages | None = None
        self._own, self._line = Own(), Line()
        self._last: int | None = None
        self._drawn: Event | None = None
        self._velocity = 0  # of the note drawn last, as the network meant it
        self._hearing = Hearing()
        # How loud the own notes were, as a share of what was asked for; and with the note drawn.
        self._loudness = self._loudness_after = 1.0
        self._bar_ticks, self._metered = 4 * TICKS_PER_BEAT, True
        self.set_style(())
        self.begin(Meter())

    @property
    def info(self) -> PlayerInfo:
        """Name, styles, device."""
        return self._info

    def begin(self, meter: Meter, *, metered: bool = True) -> None:
        """Forget everything but the style; tick 0 is a bar line of `meter`."""
        self._bar_ticks, self._metered = round(meter.bar * TICKS_PER_BEAT), metered
        self._own, self._line, self._last, self._drawn = Own(), Line(), None, None
        self._hearing, self._loudness = Hearing(), 1.0
        self._foot = Foot()
        self._network.clear()
        self._network.read(None)
        self._left, self._alone = self._network.memory(), 0
        if self._motifs is not None:
            self._motifs.clear()
            self._expect(NOTHING)

    def set_style(self, mix: Sequence[tuple[str, float]]) -> None:
        """Play in a weighted mean of styles; no weight at all is the unknown style.

        Raises
        ------
        ValueError
            If a name is unknown or a weight is negative or not finite.
        """
        vector = np.zeros_like(self._styles[0])
        total = 0.0
        for name, weight in mix:
            if name not in self._info.styles:
                known = ", ".join(self._info.styles) or "none"
                raise ValueError(f"style {name!r} is unknown; {self._info.name} knows {known}")
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"weight of style {name!r} must be 0 or above, got {weight}")
            vector += weight * self._styles[1 + self._info.styles.index(name)]
            total += weight
        self._network.set_style(vector / total if total > 0 else self._styles[0])

    def avoid(self, passages: Passages) -> None:
        """Play no long passage of these from now on, where another pitch is open."""
        self._passages = passages

    def feed(self, event: Event) -> None:
        """Hear one note; an onset before the last one counts as with it."""
        onset = int(event.onset)
        last = onset if self._last is None else self._last
        duration = DURATION_MASKED if event.duration is None else nearest_bin(event.duration)
        own = event is self._drawn
        velocity = min(max(self._velocity if own else event.velocity, 0), 127) >> 2
        ids = (nearest_bin(onset - last), event.voice, event.pitch, velocity, duration)
        self._read((*ids, *self._phases(onset)), own)
        if self._motifs is not None:
            self._motifs.hear(ids, own)
            self._expect(self._motifs.expect())
        self._last = max(onset, last)
        self._foot = self._foot.struck(self._last, event.pedal)
        if own:
            self._own, self._line = self._own.heard(event), self._line.after(event)
            self._loudness, self._drawn = self._loudness_after, None
        elif self._conditioned:
            self._hearing = self._hearing.heard(event)

    def _read(self, ids: tuple[int, ...], own: bool) -> None:
        """Let the network read a note; mind where the musician left it."""
        network = self._network
        if not own:
            network.read(ids)
            self._left, self._alone = network.memory(), 0
            return
        if self._alone == ALONE:
            network.recall(self._left)
            self._alone = 0
        network.read(ids)
        self._alone += 1

    def pedal(self, pedal: Pedal) -> None:
        """Say anew what the pedal did with the last note that was fed."""
        if self._last is not None:
            self._foot = self._foot.struck(self._last, pedal)

    def sample(self, window: Window, controls: Controls, random: Any) -> Event:
        """Draw the next note without feeding it; takes the same number of draws for each."""
        uniforms = random.random(DRAWS).tolist()
        if self._conditioned:
            self._ask(controls)
        drawn = draw_event(
            self._score,
            self._phases,
            self._own,
            self._last,
            window,
            controls,
            uniforms,
            self._network.draw,
            self._unwanted,
        )
        self._velocity, self._loudness_after = drawn.velocity, self._loudness
        if self._conditioned and controls.velocity != 1:
            drawn = self._even_out(drawn, max(controls.velocity, SOFTEST))
        if self._pedal is not None and controls.pedal and drawn.voice is not Voice.DRUMS:
            pedal = self._draw_pedal(self._pedal, drawn, uniforms[0], controls.temperature)
            drawn = replace(drawn, pedal=pedal)
        self._drawn = drawn
        return drawn

    def _unwanted(self, onset: int, voice: Voice, pitch: int) -> bool:
        """Tell whether a note would make the own ones before it a known passage, or a loop."""
        known = self._passages
        if known is not None and self._line.quotes(known, onset, voice, pitch):
            return True
        if self._motifs is None or self._last is None:
            return False
        return self._motifs.closes_loop(nearest_bin(onset - self._last), voice, pitch)

    def _ask(self, controls: Controls) -> None:
        """Tell the network what is asked, if that has changed."""
        so = known(controls) if self._metered else {}
        told = {**so, **asked(controls, self._hearing.told)}
        if (told, controls.guidance) != self._asked:
            self._network.ask(told, so, controls.guidance)
            self._asked = (told, controls.guidance)

    def _even_out(self, drawn: Event, scale: float) -> Event:
        """Return a note such that `scale` brings it to the level that was asked for.

        The network was asked to play at that level, and does so more or less: by how much more
        or less its last notes tell.
        """
        share = drawn.velocity / (self._hearing.told.velocity * scale)
        self._loudness_after = self._loudness + (share - self._loudness) / EVENED
        off = min(max(self._loudness, 1 / MOST_OFF), MOST_OFF)
        velocity = min(max(round(drawn.velocity / (scale * off)), 1), 127)
        return replace(drawn, velocity=velocity)

    def snapshot(self) -> object:
        """Return the whole state, a few KB; it shares nothing with the player."""
        motifs = None if self._motifs is None else self._motifs.memory()
        memory = self._network.memory(), motifs
        return Snapshot(
            memory,
            self._left,
            self._alone,
            self._own,
            self._line,
            self._hearing,
            self._loudness,
            self._last,
            self._bar_ticks,
            self._metered,
            self._foot,
        )

    def restore(self, snapshot: object) -> None:
        """Go back to a snapshot of this player."""
        state = cast(Snapshot, snapshot)
        self._own, self._line, self._last = state.own, state.line, state.last
        self._left, self._alone = state.left, state.alone
        self._hearing, self._loudness = state.hearing, state.loudness
        self._bar_ticks, self._metered = state.bar_ticks, state.metered
        self._foot = state.foot
        memory, motifs = state.memory
        self._network.recall(memory)
        if self._motifs is not None:
            self._motifs.recall(motifs)
            self._expect(self._motifs.expect())

    def _expect(self, expected: Expected) -> None:
        self._expected = expected
        self._told.update(zip(EXPECTED, expected, strict=True))

    def _score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Score a field; tell the head what is expected, and whether it has come so far."""
        told = self._told
        if self._motifs is None:
            return self._network.score(field, known)
        trust = self._expected.trust + TRUSTS
        for name, value in zip(FIELDS, self._expected, strict=False):
            if name == field:
                break
            if known[name] != value:
                trust -= TRUSTS
                break
        told.update(known)
        told["trust"] = trust
        return self._network.score(field, told)

    def _draw_pedal(
        self, head: PedalHead, event: Event, uniform: float, temperature: float
    ) -> Pedal:
        """Draw what the pedal does with a note; the notes of a chord share it."""
        onset, foot = int(event.onset), self._foot
        if onset == foot.onset:
            return foot.pedal
        shift = onset - (onset if self._last is None else self._last)
        note = (shift_class(shift), event.voice, event.pitch, *self._phases(onset))
        ids = (foot.pedal, foot.since(onset), *note)
        return head.draw(self._network.output(), ids, pedal_uniform(uniform), temperature)

    def _phases(self, onset: int) -> tuple[int, int]:
        if not self._metered:
            return BEAT_PHASE_UNKNOWN, BAR_PHASE_UNKNOWN
        beats, ticks = divmod(onset % self._bar_ticks, TICKS_PER_BEAT)
        return ticks, min(beats, BAR_BEATS - 1)


class NumpyPlayer(RecurrentPlayer):
    """A player on the CPU, with numpy alone.

    Parameters
    ----------
    config : mapping
        Size and styles, as in a checkpoint.
    weights : mapping
        Name -> float32 array, as in a checkpoint.
    name : str
        What it is called.
    metadata : mapping, optional
        Shown in :attr:`info`.

    Raises
    ------
    CheckpointError
        If the weights do not fit the config.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Weights,
        name: str = "player",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        check_weights(config, weights, name)
        info = PlayerInfo(name, tuple(config["styles"]), "cpu", dict(metadata or {}))
        styles = np.asarray(weights["embed.style"], np.float32)
        head = head_of(weights, config["width"], name)
        super().__init__(NumpyNetwork(config, weights), info, styles, config, head)


class KernelPlayer(RecurrentPlayer):
    """A player on the CPU, with the compiled kernel; see :mod:`antiphon_models.kernel`.

    Parameters
    ----------
    kernel : Kernel
        As :func:`antiphon_models.kernel.load_kernel` finds it.
    config, weights, name, metadata
        As for :class:`NumpyPlayer`; the config is such that :func:`fits_kernel`.

    Raises
    ------
    CheckpointError
        If the weights do not fit the config.
    """

    def __init__(
        self,
        kernel: Kernel,
        config: Mapping[str, Any],
        weights: Weights,
        name: str = "player",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        check_weights(config, weights, name)
        styles = tuple(config["styles"])
        info = PlayerInfo(name, styles, "cpu", dict(metadata or {}), "compiled kernel")
        table = np.asarray(weights["embed.style"], np.float32)
        head = head_of(weights, config["width"], name)
        super().__init__(KernelNetwork(kernel, config, weights), info, table, config, head)


def make_player(
    config: Mapping[str, Any],
    weights: Weights,
    name: str = "player",
    metadata: Mapping[str, str] | None = None,
) -> RecurrentPlayer:
    """Make a player on the CPU: with the compiled kernel where there is one, else with numpy."""
    kernel = load_kernel() if fits_kernel(config) else None
    if kernel is not None:
        return KernelPlayer(kernel, config, weights, name, metadata)
    return NumpyPlayer(config, weights, name, metadata)


@cache
def use_one_thread() -> None:
    """Keep numpy's matrix products on one thread, in the whole process and from now on.

    At these sizes a second thread costs more than it brings, and it would wait for a core
    that keeps time. Looking for the libraries takes milliseconds, so it is done once.
    """
    threadpool_limits(limits=1, user_api="blas")


def checkpoint_path(path_or_name: str | Path) -> Path:
    """Return the file of a checkpoint given by its path, or by its name.

    Names are looked up among the user's own checkpoints first, then among the shipped ones.
    """
    path = Path(path_or_name)
    if path.suffix == SUFFIX or path.name != str(path_or_name):
        return path
    own = user_checkpoints() / f"{path_or_name}{SUFFIX}"
    return own if own.is_file() else SHIPPED / own.name


def load_player(path_or_name: str | Path, device: str = "auto") -> RecurrentPlayer:
    """Load a player from a checkpoint, its weights rounded (:mod:`antiphon_models.rounding`).

    Parameters
    ----------
    path_or_name : str or Path
        A checkpoint, see :func:`checkpoint_path`.
    device : str
        auto, cpu, cuda or mps; for "auto" see :func:`choose_device`. On the CPU the compiled
        kernel is taken where there is one, else numpy.

    Raises
    ------
    CheckpointError
        If the checkpoint is missing, broken or not a player's.
    UsageError
        If the device cannot be used.
    """
    checkpoint = load_checkpoint(checkpoint_path(path_or_name), "player")
    name, config = checkpoint.path.stem, checkpoint.config
    metadata = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in checkpoint.info.items()
    }
    check_weights(config, checkpoint.weights, name)
    weights = round_weights(config, checkpoint.weights)
    if device == "auto":
        device = choose_device(sum(weight.size for weight in weights.values()))
    player: RecurrentPlayer
    if device == "cpu":
        use_one_thread()
        player = make_player(config, weights, name, metadata)
    else:
        try:
            from antiphon_models.runtime_torch import TorchPlayer
        except ModuleNotFoundError as error:
            raise UsageError(
                f"device {device} needs torch", "torch is not installed", "use --device cpu"
            ) from error
        player = TorchPlayer(config, weights, name, metadata, device)
    if checkpoint.passages is not None:
        player.avoid(Passages(checkpoint.passages))
    return player


def choose_device(weights: int) -> str:
    """Return the device that "auto" is: cpu, cuda or mps.

    One note at a time a GPU waits for launches and copies, six a step, longer than the CPU
    computes a network of a few million weights. From :data:`GPU_FROM` on, where the CPU would
    need about a millisecond, it is a GPU if torch has one. That number is an estimate:
    never measured, for want of a GPU.
    """
    if weights < GPU_FROM or find_spec("torch") is None:
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"

"""Drawing the next note: constraints as masks on the heads, so that they hold exactly.

See :mod:`antiphon_models.constraints` for what is masked. Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from antiphon.errors import CheckpointError
from antiphon.model import Controls, Event, Window
from antiphon.music import TICKS_PER_BEAT, Ticks, Voice
from antiphon_models.constraints import (
    GENERAL_MIDI,
    Mask,
    Own,
    closed,
    is_open,
    open_onsets,
    open_pitches,
    pitch_mask,
)
from antiphon_models.events import (
    BIN_TICKS,
    FIELDS,
    MAX_TICKS,
    PITCHES,
    TIME_BINS,
    VOICES,
    bin_to_velocity,
    ticks_to_bin,
)

FloatArray: TypeAlias = npt.NDArray[np.float32]

Score: TypeAlias = Callable[[str, dict[str, int]], FloatArray]
"""Takes a field and what is known of the new note (earlier fields and phases, by name);
returns the logits of the field's classes. They may be overwritten by the next call."""

Draw: TypeAlias = Callable[[FloatArray, float, float, Mask | None, float], int]
"""Takes logits, a random number, the temperature, a mask and what is rare; returns a class:
:func:`draw`."""

Phases: TypeAlias = Callable[[int], tuple[int, int]]
"""Takes an onset in ticks; returns the ids of its phase in the beat and in the bar."""

Unwanted: TypeAlias = Callable[[int, Voice, int], bool]
"""Takes an onset in ticks, a voice and a pitch (of a drum by the General MIDI map); tells whether
such a note would make something of what came before that is not to be played."""

DRAWS: Final = len(FIELDS)
"""Random numbers taken for a note, whatever the constraints, so that seeds repeat exactly."""

COLDEST: Final = 1e-3
"""Temperatures below this count as this."""

RARE: Final = 0.02
"""Classes less likely than this share of the likeliest, once the temperature is applied, are not
drawn. A network gives every class some chance; drawn often enough, that tail is wrong notes."""

RARE_PITCH: Final = 0.05
"""RARE of pitches: more of them than of anything else are wrong, and one leads to the next."""

RARE_SHIFT: Final = 0.01
"""RARE of onsets: without its rare ones a rhythm becomes more even than people play."""

_BIN_TICKS: Final[list[int]] = BIN_TICKS.tolist()
_BIN: Final[list[int]] = ticks_to_bin(np.arange(MAX_TICKS + 1)).tolist()
_VELOCITY: Final[list[int]] = bin_to_velocity(np.arange(32)).tolist()
_AT_LEAST_A_TICK: Final = np.where(BIN_TICKS > 0, np.float32(0), np.float32(-np.inf))
_ZEROS: Final = np.zeros(PITCHES, np.float32)
_LOG_BEATS: Final = np.log(BIN_TICKS[1:] / TICKS_PER_BEAT).astype(np.float32)


def nearest_bin(ticks: int) -> int:
    """Return the time bin nearest to a number of ticks (a scalar :func:`ticks_to_bin`)."""
    return _BIN[min(max(ticks, 0), MAX_TICKS)]


def draw(
    logits: FloatArray,
    uniform: float,
    temperature: float,
    mask: Mask | None = None,
    rare: float = RARE,
) -> int:
    """Draw a class, but none that is rare.

    Parameters
    ----------
    logits : ndarray
        (classes,).
    uniform : float
        Random number, ``0 <= uniform < 1``.
    temperature : float
        Divides the logits.
    mask : ndarray, optional
        (classes,); something is open.
    rare : float
        See :data:`RARE`.

    Raises
    ------
    CheckpointError
        If a logit is not a finite number.
    """
    if logits.dot(_ZEROS[: len(logits)]) != 0:  # NaN; a fifth of the time of numpy.isfinite
        raise not_finite()
    z = logits if mask is None else logits + mask
    z = z - z[z.argmax()]
    z *= 1 / max(temperature, COLDEST)
    np.exp(z, out=z)
    z[z < np.float32(rare)] = 0
    sums = np.add.accumulate(z)
    # "right" never stops at a closed class: its sum equals the one before it.
    index = int(sums.searchsorted(np.float32(uniform) * sums[-1], side="right"))
    if index == len(sums):  # the product was rounded up to the whole
        index = int(np.flatnonzero(z)[-1])
    return index


def not_finite() -> CheckpointError:
    """Return the error of a network whose scores are NaN or infinite."""
    return CheckpointError(
        "expected finite scores from the network",
        "found NaN or infinity",
        "the checkpoint is broken, choose or train another one",
    )


def tilt_shift(logits: FloatArray, density: float, temperature: float) -> FloatArray:
    """Favour short gaps (density above 0.5) or long ones, leaving the share of chords alone.

    At density 1 a gap's chance is divided by its length, at 0 multiplied; shift 0 adds notes
    to a chord and no onset, so all gaps together keep their chance.
    """
    if density == 0.5:
        return logits
    scale = 1 / max(temperature, COLDEST)
    tilted = logits.copy()
    gaps = tilted[1:]
    gaps += (1 - 2 * density) / scale * _LOG_BEATS
    gaps += (_log_sum(logits[1:] * scale) - _log_sum(gaps * scale)) / scale
    return tilted


def _log_sum(z: FloatArray) -> float:
    top = float(z.max())
    return top + float(np.log(np.exp(z - top).sum()))


def draw_event(
    score: Score,
    phases: Phases,
    own: Own,
    last: int | None,
    window: Window,
    controls: Controls,
    uniforms: Sequence[float],
    draw: Draw = draw,
    unwanted: Unwanted = lambda onset, voice, pitch: False,
) -> Event:
    """Draw a note, head by head.

    Parameters
    ----------
    score, phases : callable
        The network, and the meter.
    own : Own
        The partner's own notes.
    last : int or None
        Onset in ticks that shifts are counted from; None before the first note.
    window, controls
        What is asked.
    uniforms : sequence of float
        DRAWS random numbers, ``0 <= u < 1``.
    draw : callable, optional
        What draws a class.
    unwanted : callable, optional
        Pitches of which it is true are drawn only where no other is open.

    Raises
    ------
    ValueError
        If the window ends before it begins, or no voice is given.
    CheckpointError
        If the network's scores are not finite.
    """
    if window.latest < window.earliest:
        raise ValueError(f"window ends ({window.latest}) before it begins ({window.earliest})")
    if not controls.voices:
        raise ValueError("controls name no voice")
    temperature = controls.temperature
    onsets = open_onsets(own, last, window, controls)
    base = last or 0
    if onsets.forced is not None:
        onset = onsets.forced
        shift = nearest_bin(onset - base) if last is not None else 0
    else:
        mask = closed(TIME_BINS)
        mask[onsets.first : onsets.stop] = 0
        if onsets.chord:
            mask[0] = 0
        logits = tilt_shift(score("shift", {}), controls.density, temperature)
        shift = draw(logits, uniforms[0], temperature, mask, RARE_SHIFT)
        onset = base + _BIN_TICKS[shift]
    beat_phase, bar_phase = phases(onset)
    known = {"shift": shift, "beat_phase": beat_phase, "bar_phase": bar_phase}

    pitched, drums = open_pitches(own, onset, controls)
    voices = closed(VOICES)
    for voice in controls.voices:
        if is_open(drums if voice is Voice.DRUMS else pitched):
            voices[voice] = 0
    if not is_open(voices):  # the window forces an onset at which everything allowed sounds
        voices[list(controls.voices)] = 0
        asked = (controls.low, controls.high, controls.key, controls.scale)
        pitched = pitch_mask(*asked).copy()
        drums = np.zeros(PITCHES, np.float32)
    known["voice"] = draw(score("voice", known), uniforms[1], temperature, voices, RARE)
    voice = Voice(known["voice"])
    open_to_voice = drums if voice is Voice.DRUMS else pitched
    scores = score("pitch", known)
    known["pitch"] = pitch = draw(scores, uniforms[2], temperature, open_to_voice, RARE_PITCH)
    while unwanted(onset, voice, played_as(voice, pitch)):
        open_to_voice[pitch] = -np.inf
        if not is_open(open_to_voice):
            break
        pitch = draw(scores, uniforms[2], temperature, open_to_voice, RARE_PITCH)
    else:
        known["pitch"] = pitch
    known["velocity"] = draw(score("velocity", known), uniforms[3], temperature, None, RARE)
    bin_ = draw(score("duration", known), uniforms[4], temperature, _AT_LEAST_A_TICK, RARE)
    duration = _BIN_TICKS[bin_]
    if window.end is not None:
        duration = max(min(duration, window.end - onset), 1)
    pitch = played_as(voice, known["pitch"])
    return Event(Ticks(onset), pitch, _VELOCITY[known["velocity"]], voice, Ticks(duration))


def played_as(voice: Voice, pitch: int) -> int:
    """Return the pitch that is played: of a drum one that any kit has."""
    return GENERAL_MIDI.get(pitch, pitch) if voice is Voice.DRUMS else pitch

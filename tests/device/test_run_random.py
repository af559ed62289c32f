"""The shipped patches in whatever happens: thousands of random events on a bad network."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from device_stand import AMXD, MAXPAT, Stand, shipped
from needs_node import NEEDS_NODE

pytestmark = NEEDS_NODE

PITCHES = st.integers(48, 55)
"""Few pitches, so that notes overlap."""

NOTE = st.tuples(st.just("note"), PITCHES, st.sampled_from((0, 0, 40, 100)))
PLAY = st.tuples(
    st.just("play"), PITCHES, st.integers(1, 127), st.integers(1, 400), st.integers(0, 150)
)
WAIT = st.tuples(st.just("wait"), st.integers(0, 300))
SWITCH = st.tuples(st.sampled_from(("Thru", "On", "Drums", "Mode", "Instance")), st.integers(0, 1))
RARE = st.sampled_from(
    (
        ("panic",),
        ("press",),
        ("start",),
        ("stop",),
        ("kill",),
        ("daemon",),
        ("disable",),
        ("enable",),
        ("wait", 6000),
    )
)
EVENTS = st.lists(
    st.one_of(NOTE, NOTE, PLAY, PLAY, PLAY, WAIT, WAIT, SWITCH, RARE), min_size=40, max_size=160
)


class Player:
    """Hands on a keyboard: no key is pressed twice."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._held: set[int] = set()

    def note(self, pitch: int, velocity: int) -> None:
        """Leave a key, and press it unless the velocity is 0."""
        if pitch in self._held:
            self._stand.device.note(pitch, 0)
            self._held.discard(pitch)
        if velocity:
            self._stand.device.note(pitch, velocity)
            self._held.add(pitch)

    def leave(self) -> None:
        """Leave all keys."""
        for pitch in sorted(self._held):
            self._stand.device.note(pitch, 0)
        self._held.clear()


def do(stand: Stand, player: Player, event: tuple[object, ...]) -> None:
    """Let one event happen."""
    name, *values = event
    numbers = [int(value) for value in values]  # type: ignore[call-overload]
    if name == "note":
        player.note(*numbers)
    elif name == "play" and stand.daemon.alive:
        stand.play(*numbers)
    elif name == "wait":
        stand.run(*numbers)
    elif name == "panic":
        stand.tell("panic")
    elif name == "press":
        stand.device.press("Panic")
    elif name in ("start", "stop"):
        stand.song.set(playing=name == "start")
    elif name == "kill":
        stand.daemon.kill()
    elif name == "daemon":
        stand.daemon.start()
    elif name in ("disable", "enable") and not stand.plain:
        stand.device.enable(name == "enable")
    elif name in stand.device.parameters:
        stand.device.move(str(name), *numbers)


@pytest.mark.parametrize("path", [AMXD, MAXPAT], ids=lambda path: path.name)
@settings(
    max_examples=20,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS, seed=st.integers(0, 2**16))
def test_no_note_hangs(path: Path, events: list[tuple[object, ...]], seed: int) -> None:
    """With a fifth of the packets lost, others doubled or out of order, whatever happens: when all
    is over every note-on has its note-off, and the device finds its daemon again.
    """
    chance = random.Random(seed)

    def fate(_data: bytes, _to: tuple[str, int]) -> tuple[float, ...]:
        drawn = chance.random()
        if drawn < 0.2:
            return ()
        delay = chance.choice((0.0, 0.0, 1.0, 30.0))
        return (delay, delay + 5) if drawn < 0.3 else (delay,)

    stand = Stand(shipped(path)).connect()
    stand.network.fate = fate
    player = Player(stand)
    for event in events:
        do(stand, player, event)
    player.leave()
    stand.run(1000)
    assert stand.silent(), f"still sounding: {dict(stand.device.sounding())}"
    stand.network.fate = lambda *_: (0.0,)
    stand.daemon.start()
    stand.run(8000)
    assert stand.port in stand.daemon.clients
    assert stand.silent()
    assert stand.daemon.refused == []
    assert stand.patch.printed == []

"""How well Live is followed through AbletonOSC: how late it tells, error of the beat, how fast.

Run ``python benchmarks/follow_live.py``; Live is simulated, so it needs none. Each row is the
largest error of twelve runs, with other delays in each. Beside it stands what comes of telling the
engine every place and beat of Live's as it arrives.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from abletonosc import Song, Track
from antiphon.commands import Transport
from antiphon.live import link
from antiphon.live.beat import Follower
from antiphon.music import Beats, Seconds
from antiphon.sync.base import Relocated
from live_rehearsal import Rehearsal

RUNS = 12


class Unfiltered(Follower):
    """Tells what arrives, as it arrives."""

    def place(self, now: Seconds, beat: Beats) -> Transport | None:  # noqa: D102
        self._last = beat
        return self._at(now, beat)

    def beat(self, now: Seconds, whole: int) -> Transport | None:  # noqa: D102
        return self._at(now, Beats(whole))

    def told(self, now: Seconds) -> Transport | None:  # noqa: D102
        return None

    def wraps(self) -> Seconds | None:  # noqa: D102
        return None

    def _at(self, now: Seconds, beat: Beats) -> Transport | None:
        if not self.playing or self._bpm is None or self.meter is None:
            return None
        return Transport(now, beat, self._bpm, self.meter, playing=True)


def stage(frame: float, delay: float, loss: float, seed: int) -> Rehearsal:
    made = Rehearsal([Track([None])], frame=frame, delay=delay, loss=loss, seed=seed)
    made.script._chance = random.Random(seed)
    made.run(2, every=1)
    made.script.song.is_playing = True
    return made


def start(frame: float, delay: float, loss: float) -> str:
    """Return the largest errors from 1, 2 and 5 s after a start on, and the jumps there were."""
    errors: list[list[float]] = []
    jumps = 0
    for seed in range(RUNS):
        rehearsal = stage(frame, delay, loss, seed)
        rehearsal.run(1, every=1)
        since = rehearsal.clock.now()
        errors.append([abs(error) * 1e3 for error in rehearsal.run(20)])
        jumps += sum(at > since and isinstance(c, Relocated) for at, c in rehearsal.changes)
    figures = (max(max(row[first:]) for row in errors) for first in (0, 100, 400))
    return f"{'  '.join(f'{figure:4.0f}' for figure in figures)} ms   {jumps:3} jumps"


def change(what: Callable[[Song], None]) -> str:
    """Return the largest error within 3 s of a change, from then on, and the jumps there were."""
    soon, later, jumps = [], [], 0
    for seed in range(RUNS):
        rehearsal = stage(0.06, 0.001, 0.0, seed)
        rehearsal.run(8, every=1)
        since = rehearsal.clock.now()
        what(rehearsal.script.song)
        soon += [abs(error) * 1e3 for error in rehearsal.run(3)]
        later += [abs(error) * 1e3 for error in rehearsal.run(6)]
        jumps += sum(at > since and isinstance(c, Relocated) for at, c in rehearsal.changes)
    return f"{max(soon):4.0f}  {max(later):4.0f} ms   {jumps:3} jumps"


def main() -> None:
    for follower in (Follower, Unfiltered):
        link.Follower = follower  # type: ignore[misc]
        print(f"-- {follower.__name__}")
        print("start at 120 bpm: largest error from 1, 2, 5 s on, jumps of the beat after 1 s")
        for frame, delay, loss in ((0.01, 0.001, 0), (0.06, 0.001, 0), (0.1, 0.001, 0)):
            print(f"  places {frame * 1e3:3.0f} ms old         {start(frame, delay, loss)}")
        print(f"  and 50 ms jitter, 20 % lost {start(0.06, 0.05, 0.2)}")
        print("places 60 ms old, after a change: largest error within 3 s, then, jumps")
        for bpm in (60, 90, 150, 200):
            figures = change(lambda song, bpm=bpm: setattr(song, "tempo", float(bpm)))
            print(f"  120 to {bpm:3} bpm at once  {figures}")
        for bpm in (70, 180):
            figures = change(lambda song, bpm=bpm: song.ramp(float(bpm), 9))
            print(f"  120 to {bpm:3} bpm in 9 s   {figures}")


if __name__ == "__main__":
    main()

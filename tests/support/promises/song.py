"""Where the song is."""

from __future__ import annotations

from device_stand import RECEIVE
from promises.common import Make, close, promise, same


@promise
def the_clock_is_told_every_sixteenth(make: Make) -> None:
    """While the song runs, beat, tempo and meter go out on every sixteenth's line."""
    stand = make().connect()
    stand.song.set(playing=True, beat=8.0, bpm=90.0, meter=(6, 8))
    began = stand.clock.now
    stand.run(60_000 / 90 * 4 + 1)
    told = [it for it in stand.daemon.heard if it.address == "/antiphon/clock"]
    for it in told:
        port, beat, *rest = it.arguments
        same((port, rest), (RECEIVE, [90.0, 6, 8, 1]), "clock")
        close(float(beat), 8 + (it.time - began) * 90 / 60_000, "beat")
    on_lines = [it for it in told if abs(float(it.arguments[1]) * 4 % 1) < 1e-4]
    beats = {round(float(it.arguments[1]) * 4) for it in on_lines}
    assert beats >= set(range(33, 49)), f"sixteenths told: {sorted(beats)}"
    assert len(told) <= 18, f"{len(told)} messages in 16 sixteenths"


@promise
def starts_and_stops_are_told(make: Make) -> None:
    """The clock goes out within 60 ms of a start and a stop, and is still while the song is."""
    stand = make().connect()
    stand.song.set(playing=True, beat=3.1)
    stand.run(60)
    first = stand.daemon.got("clock")[0]
    same((first[0], first[5]), (RECEIVE, 1), "start")
    stand.run(300)
    stand.song.set(playing=False)
    stand.daemon.clear()
    stand.run(60)
    same([it[5] for it in stand.daemon.got("clock")], [0], "stop")
    close(float(stand.daemon.got("clock")[0][1]), stand.song.beat, "beat of the stop")
    stand.run(1000)
    same(len(stand.daemon.got("clock")), 1, "clocks while it stands")


@promise
def jumps_are_told(make: Make) -> None:
    """After a jump of the song the next sixteenth tells the new place."""
    stand = make().connect()
    stand.song.set(playing=True, beat=16.0)
    stand.run(1000)
    stand.song.set(beat=64.1)
    stand.daemon.clear()
    stand.run(130)
    close(float(stand.daemon.got("clock")[-1][1]), 64.25, "beat after the jump")


@promise
def a_running_song_is_told_at_once(make: Make) -> None:
    """A device that is put on a track of a running song tells so when it connects."""
    stand = make()
    stand.song.set(playing=True, beat=2.0)
    stand.load()
    stand.run(60)
    same(stand.daemon.got("clock")[0][5], 1, "playing")


@promise
def another_tempo_is_told_at_once(make: Make) -> None:
    """The clock goes out within 60 ms when the tempo changes, whether the song runs or not."""
    stand = make().connect()
    for playing in (0, 1):
        stand.song.set(playing=bool(playing), beat=4.1)
        stand.run(100)
        stand.song.set(bpm=133.0 + playing, beat=4.05)
        stand.daemon.clear()
        stand.run(60)
        same(
            [(it[2], it[5]) for it in stand.daemon.got("clock")],
            [(133.0 + playing, playing)],
            "clock",
        )

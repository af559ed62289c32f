"""Finding the daemon, losing it, and finding it again."""

from __future__ import annotations

from itertools import pairwise

from device_stand import RECEIVE
from faces import MODES
from promises.common import TURNED, Make, another, check_dump, live_promise, promise, same, times


@promise
def says_hello_until_there_is_a_pong(make: Make) -> None:
    """Hello at the start and every 2 s; nothing else goes out before the first pong."""
    stand = make()
    stand.daemon.quiet = True
    stand.load()
    stand.device.note(60, 90)
    stand.device.control(64, 127)
    stand.device.move("Temperature", 0.5)
    stand.device.move("Mode", 1)
    stand.song.set(playing=True)
    stand.run(6500)
    stand.device.press("End Turn")
    got = [(it.time, it.address, it.arguments) for it in stand.daemon.heard]
    hello = "/antiphon/hello", (1, RECEIVE, 1)
    same(got, [(time, *hello) for time in (0.0, 2000.0, 4000.0, 6000.0)], "what goes out")
    same(stand.device.value("Status"), 0, "status")


@promise
def tells_everything_once_connected(make: Make) -> None:
    """With the first pong come the clock, the mode and all parameters, once each."""
    stand = make().load()
    stand.run(100)
    same(stand.daemon.heard[0].arguments, (1, RECEIVE, 1), "hello")
    check_dump(stand, {face.param: face.initial for face in TURNED}, MODES[0][1])
    same(stand.daemon.got("clock")[0], (RECEIVE, 0.0, 120.0, 4, 4, 0), "clock")
    same(stand.device.value("Status"), 2, "status, told listening")


@promise
def a_saved_set_comes_back(make: Make) -> None:
    """What a set holds is what the daemon is told, and nothing goes out before the pong."""
    stored = {face.name: another(face) for face in TURNED} | {"Mode": 2.0}
    stand = make(stored=stored)
    stand.daemon.quiet = True
    stand.load()
    same([it.address for it in stand.daemon.heard], ["/antiphon/hello"], "before the pong")
    stand.daemon.quiet = False
    stand.daemon.clear()
    stand.run(2000)
    check_dump(stand, {face.param: stored[face.name] for face in TURNED}, MODES[2][1])


@promise
def pings_every_two_seconds(make: Make) -> None:
    """Connected, it pings every 2 s and says hello no more."""
    stand = make().connect()
    stand.run(20_000)
    pings = times(stand, "ping")
    same(stand.daemon.got("hello"), [], "hellos")
    assert len(pings) in (9, 10), f"pings at {pings}"
    same([b - a for a, b in pairwise(pings)], [2000.0] * (len(pings) - 1), "gaps")
    same(set(stand.daemon.got("ping")), {(RECEIVE,)}, "pings")
    same(sorted({it.address for it in stand.daemon.heard}), ["/antiphon/ping"], "all that is said")


@promise
def a_restarted_daemon_is_told_everything_again(make: Make) -> None:
    """``error 4 /antiphon/ping`` brings a hello at once, and then all parameters."""
    stand = make().connect()
    stand.device.move("Density", 0.75)
    stand.device.move("Mode", 1)
    stand.run(1000)
    stand.daemon.kill()
    stand.daemon.start()
    stand.daemon.clear()
    stand.run(2000)
    (hello,) = times(stand, "hello")
    (ping,) = times(stand, "ping")
    same(hello, ping, "hello at once")
    values = {face.param: face.initial for face in TURNED} | {"density": 0.75}
    check_dump(stand, values, MODES[1][1])


@promise
def other_errors_are_no_restart(make: Make) -> None:
    """Only code 4 for the ping means that the daemon does not know us."""
    stand = make().connect()
    for code, address in ((4, "clip/get"), (2, "ping"), (3, "param/key"), (4, "turn"), (7, "note")):
        said = stand.said(lambda c=code, a=address: stand.tell("error", c, f"/antiphon/{a}"))  # type: ignore[misc]
        same(said, [], f"after error {code} {address}")


@promise
def a_lost_daemon_is_noticed_and_found_again(make: Make) -> None:
    """5 s without a pong: no daemon, hello every 2 s; back, it is told all within 5 s."""
    stand = make().connect()
    stand.run(3900)
    stand.daemon.kill()
    stand.run(2000)
    same(stand.device.value("Status"), 2, "status before 5 s are over")
    stand.run(3100)
    same(stand.device.value("Status"), 0, "status after 5 s")
    stand.daemon.alive = stand.daemon.quiet = True
    stand.daemon.clear()
    stand.run(8000)
    gaps = [b - a for a, b in pairwise(times(stand, "hello"))]
    same(gaps, [2000.0] * 3, "between hellos")
    same({it.address for it in stand.daemon.heard}, {"/antiphon/hello"}, "what goes out")
    stand.daemon.start()
    stand.daemon.quiet = False
    stand.daemon.clear()
    stand.run(2000)
    check_dump(stand, {face.param: face.initial for face in TURNED}, MODES[0][1])
    same(stand.device.value("Status"), 2, "status")


@promise
def a_lost_pong_changes_nothing(make: Make) -> None:
    """One pong that is lost, or comes twice, brings neither a hello nor parameters."""
    stand = make().connect()
    fates = iter([(), (0.0, 0.0)])
    stand.network.fate = lambda data, to: (
        next(fates, (0.0,)) if data.startswith(b"/antiphon/pong") else (0.0,)
    )
    stand.run(6500)
    same({it.address for it in stand.daemon.heard}, {"/antiphon/ping"}, "what goes out")
    same(stand.device.value("Status"), 2, "status")


@live_promise
def a_preset_starts_it_again(make: Make) -> None:
    """``live.thisdevice`` speaks again when a preset is loaded: all goes on as before."""
    stand = make().connect()
    stand.device.ready()
    stand.run(1000)
    stand.play(60)
    stand.run(1000)
    same([(p, v) for _, p, v in stand.device.notes()], [(60, 90), (60, 0)], "notes")
    assert stand.port in stand.daemon.clients
    stand.daemon.clear()
    stand.run(8000)
    same(len(times(stand, "ping")), 4, "pings in 8 s")
    same({it.address for it in stand.daemon.heard}, {"/antiphon/ping"}, "what goes out")


@promise
def all_goes_out_of_one_socket(make: Make) -> None:
    """The daemon tells devices apart by the socket, so that all comes from the same."""
    stand = make().load()
    stand.run(100)
    stand.device.note(60, 90)
    for name in ("End Turn", "Capture", "Vary", "Keep", "Undo", "Panic"):
        stand.device.press(name)
    stand.device.move("Mode", 1)
    if not stand.plain:
        stand.clips.out_atoms(0, "/antiphon/clip/get", -1)
    stand.run(3000)
    same(len({it.source for it in stand.daemon.heard}), 1, "sockets")
    same(stand.daemon.refused, [], "what the daemon refuses")


@promise
def scripts_that_stand_still_harm_nothing(make: Make) -> None:
    """While Max's main thread is busy for 20 s, notes pass both ways, pings go out and Panic and On
    silence; afterwards what was set meanwhile is told, and nobody thinks that the other was gone.
    """
    stand = make().connect()
    began = stand.clock.now
    stand.patch.busy = began + 20_000
    stand.device.move("Density", 0.75)
    stand.device.move("Density", 0.25)
    stand.run(15_000)
    same({it.address for it in stand.daemon.heard}, {"/antiphon/ping"}, "what goes out")
    same(len(times(stand, "ping")), 7, "pings in 15 s")
    said = stand.said(lambda: stand.device.note(50, 90))
    same(said, [("note", (RECEIVE, 50, 90, 1))], "a note")
    stand.play(60, 90, 60_000, 0)
    same(dict(stand.device.sounding()), {(1, 50): 1, (1, 60): 1}, "what sounds")
    stand.device.press("Panic")
    assert stand.silent(), "Panic waits for the script"
    stand.play(62, 90, 60_000, 0)
    stand.device.move("On", 0)
    assert stand.silent(), "On waits for the script"
    stand.daemon.clear()
    stand.run(15_000)
    told = [it for it in stand.daemon.heard if it.address != "/antiphon/ping"]
    densities = [("param/density", (RECEIVE, value)) for value in (0.75, 0.25)]
    same(
        [(it.address.removeprefix("/antiphon/"), it.arguments) for it in told],
        [*densities, ("panic", ()), ("mode", (0,))],
        "what is told afterwards",
    )
    same({it.time for it in told}, {began + 20_000}, "when it is told")
    same(stand.device.value("Status"), 2, "status")


@promise
def a_daemon_that_dies_meanwhile_is_missed(make: Make) -> None:
    """A daemon that ends while the main thread is busy is missed 5 s after that, at the latest."""
    stand = make().connect()
    stand.play(60, 90, 60_000, 0)
    stand.daemon.kill()
    stand.patch.busy = stand.clock.now + 8000
    stand.run(12_900)
    same(stand.device.value("Status"), 0, "status")
    assert stand.silent(), "a note of the daemon that was killed"

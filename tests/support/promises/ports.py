"""Buttons with numbers, ports, and several devices."""

from __future__ import annotations

from device_stand import RECEIVE, Stand
from promises.common import TURNED, Make, busy, close, names, plays_again, promise, same
from scripted_daemon import ScriptedDaemon


@promise
def buttons_say_what_they_stand_for(make: Make) -> None:
    """End Turn, Capture, Vary, Keep and Undo send their message, with the numbers beside them."""
    stand = make().connect()
    stand.device.move("Capture Length", 12)
    stand.device.move("Variations", 7)
    stand.device.move("Vary Amount", 0.5)
    plain = {"End Turn": "turn", "Keep": "keep", "Undo": "undo"}
    for name, address in plain.items():
        same(stand.said(lambda n=name: stand.device.press(n)), [(address, ())], name)  # type: ignore[misc]
    said = stand.said(lambda: stand.device.press("Capture"))
    same(names(said), ["capture"], "Capture")
    close(said[0][1][0], 12, "beats of a capture")
    said = stand.said(lambda: stand.device.press("Vary"))
    same(said[-1], ("vary", (7, 0.5)), "Vary")
    assert set(names(said)) <= {"vary", "param/vary/amount"}, f"Vary: {said}"
    same(stand.said(lambda: stand.device.move("Variations", 3)), [], "Variations alone")
    same(stand.said(lambda: stand.device.move("Capture Length", 4)), [], "Capture Length alone")
    same(stand.daemon.refused, [], "what the daemon refuses")


@promise
def buttons_have_their_numbers_from_the_start(make: Make) -> None:
    """Capture and Vary use the initial numbers, or those of the set."""
    for stored, beats, count in (({}, 8, 4), ({"Capture Length": 5, "Variations": 16}, 5, 16)):
        stand = make(stored=stored).connect()
        close(stand.said(lambda s=stand: s.device.press("Capture"))[-1][1][0], beats, "beats")  # type: ignore[misc]
        vary = stand.said(lambda s=stand: s.device.press("Vary"))[-1]  # type: ignore[misc]
        same(vary[1][0], count, "variations")
        close(vary[1][1], 0.3, "amount")


@promise
def another_receive_port_moves_the_device(make: Make) -> None:
    """A new port: bye for the old, hello for the new; notes come there and the old one is free."""
    stand = busy(make)
    said = stand.said(lambda: stand.device.move("Receive Port", 7500))
    same(said[:2], [("bye", (RECEIVE,)), ("hello", (1, 7500, 1))], "said")
    stand.run(100)
    check_dump_after_port(stand, 7500)
    same(dict(stand.device.sounding()), {(1, 50): 1}, "notes from before")
    plays_again(stand)
    assert stand.network.bind(RECEIVE, lambda *_: None), "the old port is still taken"
    same(stand.said(lambda: stand.device.note(70, 9)), [("note", (7500, 70, 9, 1))], "a note")
    said = stand.said(lambda: stand.device.move("Density", 0.25))
    same(said, [("param/density", (7500, 0.25))], "a parameter")
    same(stand.said(lambda: stand.device.control(7, 1)), [("cc", (7500, 7, 1, 1))], "a controller")


def check_dump_after_port(stand: Stand, port: int) -> None:
    """Check that all was told again, with a new port."""
    told = [it for it in stand.daemon.heard if it.address.startswith("/antiphon/param/")]
    same(len(told), len(TURNED), "parameters")
    same({it.arguments[0] for it in told}, {port}, "ports")
    same(stand.daemon.got("clock")[0][0], port, "port of the clock")


@promise
def an_instance_has_a_port_of_its_own(make: Make) -> None:
    """Instance is added to the port, at the start and when it is moved."""
    stand = make(stored={"Instance": 3}).load()
    stand.run(100)
    same(stand.daemon.got("hello"), [(1, RECEIVE + 3, 1)], "hello")
    plays_again(stand)
    said = stand.said(lambda: stand.device.move("Instance", 1))
    same(said[:2], [("bye", (RECEIVE + 3,)), ("hello", (1, RECEIVE + 1, 1))], "said")
    plays_again(stand)


@promise
def given_ports_are_used_from_the_start(make: Make) -> None:
    """A set, or arguments, with other ports: nothing goes to the usual ones, not for a moment."""
    for way in ({}, {"last_first": True}):
        stand = make(stored={"Receive Port": 7600, "Daemon Port": 7411}, **way)
        daemon = ScriptedDaemon(stand.clock, stand.network, 7411)
        stand.load()
        stand.run(100)
        same(stand.daemon.heard, [], "what went to the usual port")
        same(daemon.heard[0].arguments, (1, 7600, 1), "hello")
        same(daemon.clients, {7600}, "clients")
        plays_again_by(daemon, stand)
        assert stand.network.bind(RECEIVE, lambda *_: None), "the usual port is taken"


def plays_again_by(daemon: ScriptedDaemon, stand: Stand) -> None:
    """Check that a note of that daemon is played."""
    daemon.play(stand.port, 72, 77, 100, 20)
    stand.run(500)
    same([(p, v) for _, p, v in stand.device.notes()], [(72, 77), (72, 0)], "a note")


@promise
def another_daemon_port_moves_the_device(make: Make) -> None:
    """A new port of the daemon: bye there, hello here, and all is told again."""
    stand = busy(make)
    other = ScriptedDaemon(stand.clock, stand.network, 7411)
    said = stand.said(lambda: stand.device.move("Daemon Port", 7411))
    same(said, [("bye", (RECEIVE,))], "said to the old daemon")
    stand.run(100)
    same(other.heard[0].arguments, (1, RECEIVE, 1), "hello to the new one")
    same(len([it for it in other.heard if "param" in it.address]), len(TURNED), "parameters")
    same(dict(stand.device.sounding()), {(1, 50): 1}, "notes from before")


@promise
def two_devices_share_a_daemon(make: Make) -> None:
    """Two devices with different ports each get what is theirs."""
    one = make().connect()
    two = make(stored={"Instance": 1}, beside=one).load()
    two.run(100)
    same(one.daemon.clients, {RECEIVE, RECEIVE + 1}, "clients")
    two.play(60)
    one.run(500)
    assert one.device.notes() == []
    same(len(two.device.notes()), 2, "notes of the second")
    two.device.note(61, 90)
    same(one.daemon.got("note")[-1][0], RECEIVE + 1, "port of a note")

"""What is played passes through, goes to the daemon, and is shown."""

from __future__ import annotations

from device_stand import RECEIVE, Stand
from maxpatch.atoms import Atom
from maxpatch.objects.interface import KSlider
from promises.common import Make, busy, promise, same


@promise
def what_is_played_goes_to_the_daemon(make: Make) -> None:
    """Notes and controllers go with the reply port, on channel 1, and on 10 with Drums."""
    stand = make().connect()

    def hand() -> None:
        stand.device.note(61, 91, 5)
        stand.device.note(61, 0, 5)
        stand.device.control(64, 127, 5)
        stand.device.control(1, 33)

    def expected(channel: int) -> list[tuple[str, tuple[Atom, ...]]]:
        notes = [("note", (RECEIVE, 61, velocity, channel)) for velocity in (91, 0)]
        return [
            *notes,
            ("cc", (RECEIVE, 64, 127, channel)),
            ("cc", (RECEIVE, 1, 33, channel)),
        ]

    same(stand.said(hand), expected(1), "pitched")
    same(stand.said(lambda: stand.device.move("Drums", 1)), [], "for the switch itself")
    same(stand.said(hand), expected(10), "drums")
    stand.device.move("Drums", 0)
    same(stand.said(hand), expected(1), "pitched again")


@promise
def drums_come_back_with_a_set(make: Make) -> None:
    """A set that was saved with Drums on plays on channel 10 from the start."""
    stand = make(stored={"Drums": 1}).connect()
    same(stand.said(lambda: stand.device.note(36, 99)), [("note", (RECEIVE, 36, 99, 10))], "note")
    if not stand.plain:
        assert ("channel", 10) in stand.clips.received, "the script is told, too"


@promise
def thru_passes_everything_unchanged(make: Make) -> None:
    """Every byte passes, daemon or not."""
    stream = (0x90, 60, 100, 0xB4, 1, 7, 0xE0, 1, 64, 0xD0, 50, 0xA0, 60, 9, 0xC0, 5, 0x80, 60, 40)
    stand = make()
    stand.daemon.kill()
    stand.load()
    for _ in range(2):
        stand.patch.midi_out.clear()
        stand.patch.midi_in(*stream)
        stand.run(0)
        same([byte for _, _, byte in stand.patch.midi_out], [*stream], "bytes")
        stand.daemon.start()
        stand.run(3000)


@promise
def thru_ends_its_notes_when_it_closes(make: Make) -> None:
    """Closed, it ends what it let through, and lets nothing more; the daemon hears all the same."""
    stand = make().connect()
    stand.device.note(60, 90, 3)
    stand.device.move("Thru", 0)
    assert stand.silent(), "a note that passed still sounds"
    before = len(stand.patch.midi_out)
    said = stand.said(lambda: stand.device.note(62, 90))
    same(said, [("note", (RECEIVE, 62, 90, 1))], "what the daemon hears")
    same(len(stand.patch.midi_out), before, "bytes that pass a closed thru")
    stand.device.note(62, 0)
    stand.device.move("Thru", 1)
    stand.device.note(64, 90)
    same(stand.device.sounding(), {(1, 64): 1}, "open again")


@promise
def the_pedal_is_lifted_with_the_notes(make: Make) -> None:
    """What ends the notes that passed lifts the pedal, too, after them: held, it would sustain."""
    for end in (
        lambda stand: stand.device.move("Thru", 0),
        lambda stand: stand.device.press("Panic"),
        lambda stand: stand.device.close(),
    ):
        stand = make().connect()
        stand.device.control(64, 127)
        stand.device.note(60, 90)
        before = len(stand.device.heard())
        end(stand)
        told = [(channel, data) for _, _, channel, data in stand.device.heard()[before:]]
        same(told[:2], [(1, (60, 0)), (1, (64, 0))], "what goes out")


@promise
def thru_comes_back_with_a_set(make: Make) -> None:
    """A set that was saved with Thru off lets nothing through."""
    stand = make(stored={"Thru": 0}).load()
    stand.device.note(60, 90)
    same(stand.patch.midi_out, [], "bytes")


@promise
def states_are_shown(make: Make) -> None:
    """Status shows the daemon's state by its code, without sending anything."""
    stand = make().connect()
    for code in (0, 2, 3, 4, 1):
        said = stand.said(lambda c=code: stand.tell("state", c))  # type: ignore[misc]
        same(said, [], "said")
        same(stand.device.value("Status"), code + 1, f"status for state {code}")


@promise
def a_pong_alone_says_connected(make: Make) -> None:
    """With a pong the status leaves "No Daemon", whether a state comes with it or not."""
    stand = make()
    stand.network.fate = lambda data, to: () if data.startswith(b"/antiphon/state") else (0.0,)
    stand.load()
    stand.run(100)
    same(stand.device.value("Status"), 1, "status")


def strips(stand: Stand) -> dict[str, set[int]]:
    """Return what each keyboard strip shows, by its scripting name."""
    return {
        str(made.box.json["varname"]): set(made.lit)
        for made in stand.patch.find(KSlider)
        if isinstance(made, KSlider)
    }


@promise
def call_and_answer_are_shown(make: Make) -> None:
    """A key is lit while a note is held or played, and goes out with it."""
    stand = make().connect()
    assert set().union(*strips(stand).values()) == set()
    stand.device.note(60, 90)
    stand.play(64, 90, 100, 0)
    stand.run(1)
    lit = strips(stand)
    same(sorted(pitch for keys in lit.values() for pitch in keys), [60, 64], f"keys lit in {lit}")
    stand.run(200)
    stand.device.note(60, 0)
    same(set().union(*strips(stand).values()), set(), "keys lit when all is over")


@promise
def keys_go_out_with_a_panic(make: Make) -> None:
    """Nothing stays lit when everything was ended."""
    stand = busy(make)
    stand.device.press("Panic")
    stand.run(0)
    answer = {pitch for keys in strips(stand).values() for pitch in keys}
    assert 60 not in answer, f"still lit: {strips(stand)}"

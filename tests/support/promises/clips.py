"""Clips, and what else the daemon tells."""

from __future__ import annotations

from promises.common import Make, live_promise, promise, same


@live_promise
def the_script_hears_what_concerns_clips(make: Make) -> None:
    """Clip messages, variations, phrases and errors go to ``js`` under its own names."""
    stand = make().connect()
    for name, arguments, heard in (
        ("clip/begin", (-1, 4.0, 2), ("begin", -1, 4.0, 2)),
        ("clip/note", (-1, 0, 60, 0.0, 0.5, 90), ("note", -1, 0, 60, 0.0, 0.5, 90)),
        ("clip/end", (-1,), ("end", -1)),
        ("variation", (2, 0.25, 17), ("varied", 2, 0.25, 17)),
        ("phrase", (8.0, 12), ("phrase", 8.0, 12)),
        ("error", (4, "/antiphon/clip/get"), ("refused", 4, "/antiphon/clip/get")),
    ):
        stand.clips.received.clear()
        same(stand.said(lambda n=name, a=arguments: stand.tell(n, *a)), [], "said")  # type: ignore[misc]
        same(stand.clips.received, [heard], f"what {name} became")


@live_promise
def the_clip_buttons_reach_the_script(make: Make) -> None:
    """Read Clip and Write Clip, with what Clip says, also right after the start."""
    stand = make().connect()
    stand.clips.received.clear()
    stand.device.press("Read Clip")
    stand.device.press("Write Clip")
    for what in (2, 1):
        stand.device.move("Clip", what)
        stand.device.press("Write Clip")
    expected = [("readclip",), ("writeclip", 0), ("writeclip", 2), ("writeclip", 1)]
    same(stand.clips.received, expected, "what the script hears")
    stand.device.move("Drums", 1)
    same(stand.clips.received[-1], ("channel", 10), "what the script hears of Drums")
    stand.device.move("Drums", 0)
    same(stand.clips.received[-1], ("channel", 1), "what the script hears of Drums")
    stored = make(stored={"Clip": 1}).connect()
    stored.clips.received.clear()
    stored.device.press("Write Clip")
    same(stored.clips.received, [("writeclip", 1)], "with a set")


@live_promise
def the_script_speaks_to_the_daemon_and_shows_its_status(make: Make) -> None:
    """What ``js`` sends goes out as it is; its status is shown."""
    stand = make().connect()
    for atoms in (("/antiphon/clip/get", -1), ("/antiphon/clip/begin", 0, 4.0, 1)):
        said = stand.said(lambda a=atoms: stand.clips.out_atoms(0, *a))  # type: ignore[misc]
        same(said, [(atoms[0].removeprefix("/antiphon/"), atoms[1:])], "said")
    for code in (2, 4, 0):
        said = stand.said(lambda c=code: stand.clips.out_atoms(1, "set", c))  # type: ignore[misc]
        same(said, [], "said")
        same(stand.device.value("Clip Status"), code, "clip status")


@promise
def what_it_does_not_know_is_passed_over(make: Make) -> None:
    """Other things that the daemon tells (stats, expectations) change and print nothing."""
    stand = make().connect()
    for name, arguments in (
        ("stats", (1.0, 2.0, 3.0, 0, 0, 0)),
        ("expect", (0, 60, 0.5)),
        ("because", (2, 0.1)),
        ("beat", (3, 1.5, 120.0)),
        ("param/bpm", (90.0,)),
        ("param/latency", (10.0,)),
        ("nosuch", ()),
    ):
        same(stand.said(lambda n=name, a=arguments: stand.tell(n, *a)), [], f"after {name}")  # type: ignore[misc]
    same(stand.patch.midi_out, [], "bytes")
    same(stand.patch.printed, [], "printed")

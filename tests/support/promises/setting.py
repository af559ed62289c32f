"""Parameters, the mode, and the buttons."""

from __future__ import annotations

from device_stand import RECEIVE
from faces import MODES
from promises.common import TURNED, Make, another, check_dump, close, names, promise, same


@promise
def a_moved_parameter_is_told_once(make: Make) -> None:
    """Every face sends its own parameter's address, the port and the value, once."""
    stand = make().connect()
    for face in TURNED:
        for part in (0.3, 0.8):
            value = another(face, part)
            stand.device.move(face.name, value)
            said = stand.said(lambda f=face, v=value: stand.device.move(f.name, v))  # type: ignore[misc]
            same(names(said), [f"param/{face.param}"], face.name)
            port, told = said[0][1]
            same(port, RECEIVE, "reply port")
            close(told, value, face.name)
    same(stand.daemon.refused, [], "what the daemon refuses")


@promise
def what_the_daemon_sets_is_shown_and_not_sent_back(make: Make) -> None:
    """``/antiphon/param/NAME`` moves the face, and nothing goes out."""
    stand = make().connect()
    before = {name: it.value for name, it in stand.device.parameters.items()}
    for face in TURNED:
        value = another(face)
        told = int(value) if face.whole else value
        said = stand.said(lambda f=face, v=told: stand.tell(f"param/{f.param}", v))  # type: ignore[misc]
        same(said, [], f"after {face.param} came")
        close(stand.device.value(face.name), value, face.name)
        before[face.name] = stand.device.value(face.name)
        now = {name: it.value for name, it in stand.device.parameters.items()}
        same(now, before, f"all others after {face.param} came")


@promise
def what_the_daemon_set_is_told_a_new_daemon(make: Make) -> None:
    """A value that came from the daemon (MIDI learn, a preset) is restored like one set by hand."""
    stand = make().connect()
    stand.tell("param/temperature", 0.5)
    stand.daemon.kill()
    stand.daemon.start()
    stand.daemon.clear()
    stand.run(2000)
    values = {face.param: face.initial for face in TURNED} | {"temperature": 0.5}
    check_dump(stand, values, MODES[0][1])


@promise
def the_mode_is_told_by_its_public_index(make: Make) -> None:
    """Each entry of Mode sends the index of the contract."""
    stand = make().connect()
    for place, (_, index) in reversed([*enumerate(MODES)]):
        said = stand.said(lambda p=place: stand.device.move("Mode", p))  # type: ignore[misc]
        same(said, [("mode", (index,))], "said")


@promise
def vary_uses_the_amount_that_is_shown(make: Make) -> None:
    """An amount that came from the daemon is the one that Vary asks for."""
    stand = make().connect()
    stand.tell("param/vary/amount", 0.75)
    same(stand.said(lambda: stand.device.press("Vary"))[-1], ("vary", (4, 0.75)), "Vary")

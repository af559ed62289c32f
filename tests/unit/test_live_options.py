"""What ``--live`` takes, what goes over the wire, and the switches for clips."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abletonosc import Live, Track
from antiphon import commands as c
from antiphon.daemon import Options
from antiphon.errors import SocketError, UsageError
from antiphon.live.client import LiveClient
from antiphon.live.wire import Message, Where, decode, encode, parse_where
from antiphon.play import add_play_arguments, read_options
from antiphon.timebase import ManualClock
from antiphon.tools import _live
from stage import Stage


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests apart from the user's own settings."""
    monkeypatch.setattr("antiphon.config.folder", lambda: tmp_path)


def options(*words: str) -> Options:
    """Return the options that words of the command line make."""
    parser = argparse.ArgumentParser()
    add_play_arguments(parser)
    return read_options(parser.parse_args(words))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", Where("127.0.0.1", 11000, 11001)),
        ("10.0.0.7", Where("10.0.0.7", 11000, 11001)),
        ("studio.local:12000", Where("studio.local", 12000, 11001)),
        ("localhost:12000:0", Where("localhost", 12000, 0)),
        (":12000", Where("127.0.0.1", 12000, 11001)),
    ],
)
def test_where_live_is_may_be_said_in_part(text: str, where: Where) -> None:
    """What is left out of HOST:PORT:REPLY_PORT is as AbletonOSC has it."""
    assert parse_where(text) == where


@pytest.mark.parametrize("text", ["a:b", "h:1:2:3", "h:70000", "h:-1", "h:1:x"])
def test_nonsense_for_a_place_is_refused(text: str) -> None:
    """It says what was expected, and found."""
    with pytest.raises(UsageError, match="HOST:PORT:REPLY_PORT"):
        parse_where(text)


def test_live_keeps_the_beat_unless_another_does() -> None:
    """``--live`` implies ``--sync live``, another ``--sync`` stays, and without both it is ours."""
    assert (options("--live").live, options("--live").sync) == (Where(), "live")
    assert options("--live", "h:1:2", "--sync", "midi").sync == "midi"
    assert (options().live, options().sync) == (None, "internal")


def test_live_may_stand_in_the_settings(tmp_path: Path) -> None:
    """The file's ``live`` is the option's."""
    file = tmp_path / "antiphon.toml"
    file.write_text('live = "10.0.0.7"\n[learn]\nwrite = 67\nread = 68\n')
    found = options("--config", str(file))
    assert (found.live, found.sync) == (Where("10.0.0.7"), "live")
    assert found.bindings == {67: "write", 68: "read"}


def test_following_live_needs_live() -> None:
    """``--sync live`` alone is refused in a line."""
    with pytest.raises(UsageError, match="--live"):
        options("--sync", "live")


def test_a_reply_port_that_is_taken_is_an_error_of_the_users() -> None:
    """It names the port and says what to do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = LiveClient(Where(reply_port=port), print, print, ManualClock())
        with pytest.raises(SocketError, match=f"{port}.*end the other client"):
            client.start()


def test_a_host_that_nobody_knows_is_an_error_of_the_users() -> None:
    """It names the host."""
    client = LiveClient(Where("no-such-host.invalid", 1, 0), print, print, ManualClock())
    with pytest.raises(SocketError, match="no-such-host"):
        client.start()


def test_the_doctor_finds_live() -> None:
    """Asked to, the doctor tells Live's version, or that nothing answers, or who has the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert _live(Where(reply_port=port)).state == "fault"
    live = Live([Track([None])], port)
    where = Where(port=live.port, reply_port=port)
    found = _live(where)
    live.close()
    assert (found.state, found.found) == ("ok", f"Live 12.1 answers at {where}")
    gone = _live(where)
    assert gone.state == "fault"
    assert "AbletonOSC" in gone.remedy


VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False),
    st.booleans(),
    st.text(st.characters(codec="ascii", exclude_characters="\0")),
)


@given(st.lists(VALUES))
def test_what_is_encoded_is_decoded(values: list[int | float | bool | str]) -> None:
    """Numbers, texts and truth values come back as they were."""
    message = Message("/live/clip/get/notes", tuple(values))
    assert decode(encode(message)) == message


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(max_size=8))
def test_bytes_of_any_kind_are_no_fault(noise: bytes, at: int, patch: bytes) -> None:
    """Whatever comes in is a message or nothing, never an exception."""
    decode(noise)
    good = encode(Message("/live/clip/get/notes", (1, 2, 0.5, "text", True)))
    found = decode(good[:at] + patch + good[at + len(patch) :])
    assert found is None or found.address.startswith("/live/")


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_switch_is_learnt_for_clips(name: str) -> None:
    """After learning, each press of the switch is told once."""
    stage = Stage()
    stage.tell(c.Learn(name=name))
    stage.message(0xB0, 66, 127)
    stage.message(0xB0, 66, 0)
    for value in (127, 127, 0, 127):
        stage.message(0xB0, 66, value)
    assert [u for u in stage.updates if isinstance(u, c.Cued)] == [c.Cued(name)] * 2


@pytest.mark.parametrize("command", [c.ReadClip(("h", 1), "a"), c.WriteClip(("h", 1), "a")])
def test_without_live_clips_are_refused(command: c.Command) -> None:
    """An engine that is asked itself has nobody to ask, and says so."""
    stage = Stage()
    stage.tell(command)
    assert c.Refused(c.Refusal.NOT_NOW, "a", ("h", 1)) in stage.updates

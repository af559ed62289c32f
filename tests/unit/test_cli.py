"""The command line and the configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from antiphon import cli, config
from antiphon.demo import DEMO_OPTIONS, demo_options
from antiphon.errors import UsageError
from antiphon.music import Meter
from antiphon.play import add_play_arguments, parse_address, read_options


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own settings out of the tests."""
    monkeypatch.setattr(config, "folder", lambda: tmp_path / "config")


def options(*words: str) -> argparse.Namespace:
    """Parse options of ``antiphon play``."""
    parser = argparse.ArgumentParser()
    add_play_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        ("play", "--mode", "polka"),
        ("play", "--osc", "here"),
        ("play", "--osc", "127.0.0.1:99999"),
        ("play", "--bpm", "0"),
        ("play", "--meter", "3/5"),
        ("play", "--meter", "waltz"),
        ("play", "--set", "temperature"),
        ("play", "--set", "temperature=9"),
        ("play", "--set", "nonsense=1"),
        ("play", "--turn-cc", "300"),
        ("play", "--config", "missing.toml"),
        ("play", "--backend", "none", "--player", "missing"),
        ("play", "--input", "a port that nobody has", "--osc", "127.0.0.1:0"),
        ("play", "--backend", "none", "--player", "missing.safetensors"),
        ("continue", "missing.mid", "out.mid"),
        ("prepare", "missing", "out"),
        ("evaluate", "player", "--data", "missing"),
        ("train", "player", "--data", "missing", "--out", "out"),
        ("polka",),
        ("play", "--polka"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_told_in_one_line(
    words: tuple[str, ...],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong usage and unusable input end with exit status 2 and one line on stderr."""
    monkeypatch.chdir(tmp_path)
    extra = ("--osc", "127.0.0.1:0") if "--player" in words else ()
    try:
        status = cli.main([*words, *extra])
    except SystemExit as left:
        status = int(left.code or 0)
    out, err = capfd.readouterr()
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.parametrize("command", [spec.name for spec in cli.COMMANDS])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` of each command prints its usage and ends with 0."""
    with pytest.raises(SystemExit) as left:
        cli.main([command, "--help"])
    assert left.value.code == 0
    assert f"antiphon {command}" in capsys.readouterr().out


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    """Options given beat the configuration file, which beats the defaults."""
    file = tmp_path / "antiphon.toml"
    file.write_text(
        'bpm = 90\nmeter = "3/4"\nsync = "midi"\n'
        "[params]\ntemperature = 0.5\nkey = 2\n[learn]\nturn = 66\n"
    )
    found = read_options(options("--config", str(file), "--bpm", "140", "--set", "key=7"))
    assert (found.sync, found.meter) == ("midi", Meter(3, 4))
    assert found.settings == {"temperature": 0.5, "key": 7, "bpm": 140}
    assert found.bindings == {66: "turn"}


def test_the_networks_that_vary_are_named_once_or_more(tmp_path: Path) -> None:
    """``--gan`` may be repeated, and stands in the file as a list."""
    file = tmp_path / "antiphon.toml"
    file.write_text('gan = ["mine"]\n')
    assert read_options(options("--config", str(file))).gan == ("mine",)
    found = read_options(options("--config", str(file), "--gan", "a", "--gan", "b"))
    assert found.gan == ("a", "b")
    assert read_options(options("--mode", "loop")).gan == ()


@pytest.mark.parametrize(
    "text",
    ["bpm = [", "polka = 1", 'bpm = "fast"', "[params]\nkey = 99", "[learn]\nturn = 200"],
)
def test_a_faulty_file_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    """A configuration file that means nothing is refused, naming the fault."""
    file = tmp_path / "antiphon.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.load(file)
    assert "\n" not in str(caught.value)


def test_what_was_learnt_is_there_the_next_time() -> None:
    """Bindings saved are loaded again."""
    config.save_bindings({66: "turn", 20: "turn/silence"})
    assert config.load().bindings == {66: "turn", 20: "turn/silence"}


def test_addresses_may_be_of_either_family() -> None:
    """HOST:PORT takes names of this machine, IPv4 and bracketed IPv6."""
    assert parse_address("localhost:1") == ("localhost", 1)
    assert parse_address("[::1]:7401") == ("::1", 7401)


def test_the_demo_keeps_the_seed_that_is_asked_for() -> None:
    """The demo sets what it needs, and the seed only if none was asked for."""
    usual = DEMO_OPTIONS["settings"]
    assert demo_options({})["settings"] == usual
    assert demo_options({"seed": 5.0, "length": 1.0})["settings"] == {**usual, "seed": 5.0}

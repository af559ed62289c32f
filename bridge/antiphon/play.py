"""``antiphon play``: its options, and how they become a daemon."""

from __future__ import annotations

import argparse
import ipaddress
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.logging import RichHandler

from antiphon import commands, config
from antiphon.daemon import Daemon, Options
from antiphon.demo import Demo, demo_options
from antiphon.errors import UsageError
from antiphon.learn import TURN
from antiphon.live.wire import parse_where
from antiphon.music import Meter
from antiphon.ports.base import PortOptions
from antiphon.timebase import MonotonicClock
from antiphon.view import View

BACKENDS: Final = ("auto", "alsa", "coremidi", "winmm", "jack", "none")
SYNCS: Final = ("internal", "midi", "osc", "live")
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
DEFAULTS: Final[dict[str, Any]] = {
    "backend": "auto",
    "input": [],
    "output": [],
    "osc": "127.0.0.1:7401",
    "live": None,
    "sync": None,
    "bpm": None,
    "meter": "4/4",
    "mode": "respond",
    "player": None,
    "gan": [],
    "device": "auto",
    "seed": None,
    "record": None,
}
"""What holds where neither the command line nor the configuration file says otherwise."""


def add_play_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon play``; None means not given, so that a file may say."""
    modes = ", ".join(mode.name.lower() for mode in commands.AVAILABLE)
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help="settings (default: antiphon.toml)")
    add("--backend", choices=BACKENDS, help="MIDI back end; auto takes the first that works")
    add("--input", action="append", metavar="NAME", help="listen to an existing port too")
    add("--output", action="append", metavar="NAME", help="play to an existing port too")
    add("--no-virtual", action="store_true", help="open no ports of our own")
    add("--osc", metavar="HOST:PORT", help="where to hear OSC (default 127.0.0.1:7401)")
    live_help = "speak AbletonOSC with Ableton Live (default 127.0.0.1:11000:11001)"
    add("--live", nargs="?", const="", metavar="HOST:PORT:REPLY_PORT", help=live_help)
    add("--sync", choices=SYNCS, help="whose beat to follow (default internal; with --live, live)")
    add("--bpm", type=float, help="tempo until somebody else sets it (default 120)")
    add("--meter", metavar="N/D", help="time signature, where the clock tells none (default 4/4)")
    add("--mode", metavar="MODE", help=f"{modes} (default respond)")
    add("--player", metavar="CKPT", help="checkpoint: a name of 'antiphon models', or a file")
    add("--gan", action="append", metavar="CKPT", help="what varies the loop: a name, or a file")
    add("--device", choices=DEVICES, help="where the network runs (default auto: the CPU)")
    add("--seed", type=int, help="same seed, same input, same answers")
    add("--turn-cc", type=int, metavar="CC", help="foot switch that ends your turn")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="set a parameter")
    add("--record", metavar="DIR", help="record sessions as MIDI files into a folder")
    add("--plain", action="store_true", help="lines instead of the picture, on a terminal too")
    add("--demo", action="store_true", help="no MIDI needed: hear it answer a tune, and keep both")


def run_play(args: argparse.Namespace) -> int:
    """Play until stopped; see :func:`antiphon.cli.main` for the exit status."""
    console = Console()
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[
            RichHandler(console=Console(stderr=True), show_time=False, show_path=False)
            if console.is_terminal
            else logging.StreamHandler()
        ],
    )
    logging.getLogger("antiphon.live").setLevel(logging.INFO)  # what becomes of wishes, in a line
    options = read_options(args)
    view = View(MonotonicClock(), console=console, sync=options.sync, plain=args.plain or None)
    if not args.demo:
        return Daemon(options, view).run()
    demo = Demo()
    folder = options.record or Path("antiphon-demo")
    options = replace(options, record=folder, **demo_options(options.settings))
    return Daemon(options, demo.watch(view)).run(demo.play)


def read_options(args: argparse.Namespace) -> Options:
    """Join the command line with the configuration file.

    Raises
    ------
    UsageError
        If a value cannot be used.
    """
    file = config.load(args.config)
    given = {name: value for name in DEFAULTS if (value := getattr(args, name)) is not None}
    chosen = {**DEFAULTS, **file.options, **given}
    settings = {**file.settings, **config.parse_settings(args.set)}
    for name in ("bpm", "seed"):  # parameters with an option of their own
        if chosen[name] is not None:
            settings |= config.parse_settings([f"{name}={chosen[name]}"], f"--{name}")
    bindings = dict(file.bindings)
    if args.turn_cc is not None:
        if not 0 <= args.turn_cc <= 127:
            raise UsageError("--turn-cc takes 0..127", f"found {args.turn_cc}", "correct it")
        bindings = {k: v for k, v in bindings.items() if v != TURN} | {args.turn_cc: TURN}
    live = None if chosen["live"] is None else parse_where(chosen["live"])
    chosen["sync"] = chosen["sync"] or ("internal" if live is None else "live")
    if chosen["sync"] == "live" and live is None:
        raise UsageError("--sync live follows Ableton Live", "found no --live", "add --live")
    for name, allowed in (("backend", BACKENDS), ("sync", SYNCS), ("device", DEVICES)):
        if chosen[name] not in allowed:
            raise UsageError(
                f"{name} is one of {', '.join(allowed)}", f"found {chosen[name]!r}", "correct it"
            )
    return Options(
        ports=PortOptions(
            backend=chosen["backend"],
            inputs=tuple(chosen["input"]),
            outputs=tuple(chosen["output"]),
            virtual=not args.no_virtual,
        ),
        osc=parse_address(chosen["osc"]),
        live=live,
        sync=chosen["sync"],
        meter=parse_meter(chosen["meter"]),
        mode=parse_mode(chosen["mode"]),
        player=chosen["player"],
        gan=tuple(chosen["gan"]),
        device=chosen["device"],
        settings=settings,
        bindings=bindings,
        record=None if chosen["record"] is None else Path(chosen["record"]),
    )


def parse_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``.

    Raises
    ------
    UsageError
        If it is not of that form, or the port not 0..65535.
    """
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    try:
        number = int(port)
        if not colon or not 0 <= number <= 65535:
            raise ValueError
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(
            "--osc takes ADDRESS:PORT", f"found {text!r}", "as in 127.0.0.1:7401"
        ) from None
    return host, number


def parse_meter(text: str) -> Meter:
    """Read a time signature such as ``6/8``.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        numerator, denominator = text.split("/")
        return Meter(int(numerator), int(denominator))
    except ValueError:
        raise UsageError("--meter takes N/D", f"found {text!r}", "as in 3/4 or 6/8") from None


def parse_mode(text: str) -> commands.Mode:
    """Read a mode's name.

    Raises
    ------
    UsageError
        If this version has no such mode.
    """
    for mode in commands.AVAILABLE:
        if text == mode.name.lower():
            return mode
    names = ", ".join(mode.name.lower() for mode in commands.AVAILABLE)
    raise UsageError(f"--mode is one of {names}", f"found {text!r}", "correct it")

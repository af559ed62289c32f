"""``antiphon ports`` and ``antiphon doctor``: what there is, and what is wrong with it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from antiphon import config
from antiphon.daemon import load_player, load_varier
from antiphon.errors import AntiphonError
from antiphon.live.client import find_live
from antiphon.live.wire import Where, parse_where
from antiphon.osc.server import DEFAULT_HOST, DEFAULT_PORT
from antiphon.ports.base import PortOptions
from antiphon.ports.choose import list_ports
from antiphon.ports.client import PortProcess
from antiphon.stats import summary

LIVE_ANSWERS: Final = 2.0
"""Seconds that AbletonOSC, which looks for questions every 100 ms, has for an answer."""


def add_ports_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon ports``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_ports(args: argparse.Namespace) -> int:
    """List back ends and ports, and say which back end ``auto`` takes."""
    found = list_ports()
    if args.json:
        print(json.dumps({"backends": [asdict(backend) for backend in found]}))
        return 0
    table = Table("back end", "state", "inputs", "outputs")
    for backend in found:
        state = "used by auto" if backend.chosen else "works" if backend.usable else backend.reason
        style = "green" if backend.chosen else "" if backend.usable else "dim"
        inputs, outputs = "\n".join(backend.inputs), "\n".join(backend.outputs)
        table.add_row(backend.name, state, inputs, outputs, style=style)
    Console().print(table)
    return 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's.

    Attributes
    ----------
    name : str
        What was looked at.
    state : str
        ``ok``, ``note`` (works, but could be better) or ``fault``.
    found, remedy : str
        What is so, and what to do about it.
    """

    name: str
    state: str
    found: str
    remedy: str = ""


def add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon doctor``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--osc-port", type=int, default=DEFAULT_PORT, help="OSC port to look at")
    live_help = "look for Ableton Live with AbletonOSC too (default 127.0.0.1:11000:11001)"
    parser.add_argument(
        "--live", nargs="?", const="", metavar="HOST:PORT:REPLY_PORT", help=live_help
    )


def run_doctor(args: argparse.Namespace) -> int:
    """Check the set-up; exit status 2 if something must be mended."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _midi,
        _ports,
        lambda: _osc(args.osc_port),
        _network,
        _varier,
        _accelerator,
        _timer,
        _priority,
        _settings,
    ]
    if args.live is not None:
        where = parse_where(args.live)
        checks.append(lambda: _live(where))
    findings = [check() for check in checks]
    if args.json:
        print(json.dumps({"findings": [asdict(finding) for finding in findings]}))
    else:
        console = Console()
        for finding in findings:
            style = {"ok": "green", "note": "yellow", "fault": "bold red"}[finding.state]
            remedy = f" → {finding.remedy}" if finding.remedy else ""
            line = Text.assemble(
                (f"{finding.state:>5}  ", style), (f"{finding.name}: ", "bold"), finding.found
            )
            console.print(line.append(remedy, "italic"), soft_wrap=True)
    return 2 if any(finding.state == "fault" for finding in findings) else 0


def _python() -> Finding:
    return Finding("python", "ok", f"{sys.version.split()[0]} on {sys.platform}")


def _midi() -> Finding:
    backends = [b for b in list_ports() if b.usable and b.name != "none"]
    if backends:
        return Finding("MIDI", "ok", ", ".join(b.name for b in backends))
    why = "; ".join(f"{b.name}: {b.reason}" for b in list_ports() if not b.usable)
    return Finding("MIDI", "note", f"no back end works ({why})", "until then: OSC only")


def _ports() -> Finding:
    ports = PortProcess(PortOptions(), lambda told: None)
    began = time.perf_counter()
    try:
        opened = ports.open()
    except AntiphonError as error:
        return Finding("ports", "fault", error.found, error.remedy)
    took = (time.perf_counter() - began) * 1e3
    ports.close()
    names = ", ".join(f'"{n}"' for n in (*opened.inputs, *opened.outputs)) or "none"
    return Finding("ports", "ok", f"{opened.backend}: {names}, open after {took:.0f} ms")


def _osc(port: int) -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((DEFAULT_HOST, port))
        except OSError as error:
            return Finding(
                "OSC",
                "fault",
                f"UDP {DEFAULT_HOST}:{port} cannot be used ({error.strerror})",
                "end the other program (another antiphon?), or play with --osc HOST:PORT",
            )
    return Finding("OSC", "ok", f"UDP {DEFAULT_HOST}:{port} is free")


def _live(where: Where) -> Finding:
    try:
        version = find_live(where, LIVE_ANSWERS)
    except AntiphonError as error:
        return Finding("Live", "fault", error.found, error.remedy)
    if version is not None:
        return Finding("Live", "ok", f"Live {version} answers at {where}")
    remedy = "start Live and choose AbletonOSC under Link, Tempo & MIDI"
    return Finding("Live", "fault", f"nothing answers at {where}", remedy)


def _network() -> Finding:
    began = time.perf_counter()
    try:
        player = load_player(None, "cpu")
    except (AntiphonError, ImportError) as error:
        return Finding("model", "fault", str(error), "install the package again")
    took = (time.perf_counter() - began) * 1e3
    info = player.info
    return Finding("model", "ok", f"{info.name}, loaded in {took:.0f} ms; {info.arithmetic}")


def _varier() -> Finding:
    began = time.perf_counter()
    try:
        names = load_varier().names
    except (AntiphonError, ImportError) as error:
        return Finding("variations", "fault", str(error), "install the package again")
    took = (time.perf_counter() - began) * 1e3
    return Finding("variations", "ok", f"{', '.join(names)}, loaded in {took:.0f} ms")


def _accelerator() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("accelerator", "ok", "torch is not installed; the CPU needs none")
    import torch

    kinds = [
        name
        for name, there in (
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
        )
        if there
    ]
    return Finding("accelerator", "ok", ", ".join(kinds) or f"none (torch {torch.__version__})")


def _timer() -> Finding:
    late = []
    for _ in range(100):
        wake = time.perf_counter() + 0.002
        time.sleep(0.002)
        late.append(time.perf_counter() - wake)
    figures = summary(late)
    found = f"a 2 ms sleep ends {figures['p50']:.2f} ms late, {figures['p99']:.2f} at p99"
    if figures["p99"] > 2.0:
        return Finding("timer", "note", found, "close busy programs; use a performance power plan")
    return Finding("timer", "ok", found)


def _priority() -> Finding:
    if not hasattr(os, "sched_setscheduler"):
        return Finding("priority", "ok", "left to the system")
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, *before)
    except OSError:
        return Finding(
            "priority",
            "note",
            "real-time priority is not granted",
            "add yourself to the audio or realtime group (limits.d: rtprio 95)",
        )
    return Finding("priority", "ok", "real-time priority is granted")


def _settings() -> Finding:
    try:
        config.load()
    except AntiphonError as error:
        return Finding("settings", "fault", str(error))
    return Finding("settings", "ok", f"{config.folder()}")

"""How late notes go out while the brain is busy, and what thru costs above a bare relay.

Run ``python benchmarks/lateness.py``; it takes the median of 3 runs of 60 s. Targets: lateness
p99 at most 0.3 ms and none over 5 ms; thru p99 at most 1 ms above a bare
relay between two ports of the same kind.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from antiphon.ports.measure import Figures, matvec, measure_lateness, measure_thru, spin


def machine() -> str:
    """Describe this machine in one line."""
    return (
        f"{platform.system()} {platform.release()}, {platform.machine()},"
        f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" Python {platform.python_version()}"
    )


def stolen() -> float:
    """Return the seconds for which a hypervisor has kept this machine's cores; 0 elsewhere.

    Source: proc(5), ``/proc/stat``, eighth value of the line ``cpu``. A stall that a note shares
    with a theft is not ours.
    """
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def middle(runs: list[Figures]) -> dict[str, float]:
    """Return the median of each figure over the runs."""
    rows = [asdict(run) for run in runs]
    return {name: median(row[name] for row in rows) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a run")
    parser.add_argument("--runs", type=int, default=3, help="runs to take the median of")
    parser.add_argument("--messages", type=int, default=1000, help="thru messages in a run")
    parser.add_argument("--backend", default="memory", help="memory, jack, alsa, coremidi, winmm")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    late, thru, bare = [], [], []
    theft: list[float] = []
    for number in range(options.runs):
        before = stolen()
        late.append(measure_lateness(options.seconds, (matvec(), spin), options.backend))
        theft.append(round(stolen() - before, 2))
        both = measure_thru(options.messages, options.backend)
        thru.append(both.thru)
        bare.append(both.bare)
        if not options.json:
            print(f"run {number + 1}: late {late[-1]}, {theft[-1]} s stolen")
            print(f"       thru {both.thru}\n       bare {both.bare}")
    result: dict[str, Any] = {
        "machine": machine(),
        "backend": options.backend,
        "seconds": options.seconds,
        "runs": options.runs,
        "late_ms": middle(late),
        "late_ms_worst": max(run.max for run in late),
        "stolen_s": theft,
        "thru_ms": middle(thru),
        "bare_ms": middle(bare),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['machine']}; seconds stolen by the hypervisor while notes played: {theft}")
    for name in ("late_ms", "thru_ms", "bare_ms"):
        print(name, {key: round(value, 4) for key, value in result[name].items()})
    above = result["thru_ms"]["p99"] - result["bare_ms"]["p99"]
    print(f"lateness p99 {result['late_ms']['p99']:.3f} ms (target 0.3)")
    print(f"latest note {result['late_ms_worst']:.3f} ms (target 5)")
    print(f"thru p99 above bare relay {above:.3f} ms (target 1)")


if __name__ == "__main__":
    main()

"""What is shown of a DIC's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_models import attributes
from antiphon_models.plots import COLOURS, draw_bars, draw_roll, drawn

Result = Mapping[str, Any]
Verdict = tuple[str, str, str, bool]
"""What is asked for, how much, what was found, and whether that is met."""

TITLE: Final = "How well the DIC keeps a phrase"

COLUMNS: Final = {
    "hit_f1": "hit F1",
    "velocity_mae": "velocity",
    "timing_mae_ms": "timing ms",
    "duration_mae": "duration",
}

LIMITS: Final = {"timing_mae_ms": 18.8, "timing_kl": 0.31, "velocity_kl": 0.08}
"""Figures of humanising to stay under."""

ATTRIBUTE: Final = 0.9


def table_rows(result: Result) -> list[list[str]]:
    """Lay out the figures: a heading, then a row for the DIC and one for the dense form."""
    names = attributes.NAMES
    heading = ["set", "windows", "model", *COLUMNS.values(), *names, "timing KL", "velocity KL"]
    rows = [heading]
    for name, figures in result["sets"].items():
        turned = figures.get("attributes", {})
        played = figures.get("humanise", {})
        cells = [_cell(turned, key) for key in names]
        cells += [_cell(played, key) for key in ("timing_kl", "velocity_kl")]
        rows.append([name, f"{figures['windows']:,}", "DIC", *_figures(figures), *cells])
        if "baseline" in figures:
            blank = [""] * len(cells)
            rows.append(["", "", "dense", *_figures(figures["baseline"]), *blank])
    return rows


def _figures(figures: Mapping[str, Any]) -> list[str]:
    return [_cell(figures, name) for name in COLUMNS]


def _cell(figures: Mapping[str, Any], name: str) -> str:
    return f"{figures[name]:.3f}" if name in figures else ""


def describe(result: Result) -> list[str]:
    """Say in a few lines what the figures are."""
    lines = [
        f"Checkpoint {Path(result['checkpoint']).name} ({result['music']}) on {result['device']}.",
        "Windows of two bars are encoded and decoded. Hit F1 is over all hits (a drum, or a "
        "pitch, at a step); errors are means over the true hits: velocity in MIDI units, timing "
        "in milliseconds, durations in sixteenths.",
        "Named dimensions: each is set to seven values from -1.5 to 1.5 spreads, and what is "
        "decoded is measured; Spearman's correlation within a window, averaged over windows. "
        "Pitched notes are struck as many, in as many onsets and as high as is asked for.",
    ]
    played = [f["humanise"] for f in result["sets"].values() if "humanise" in f]
    if played:
        lines.append(
            "Humanising: the encoder is shown windows of 4/4 without velocities and microtiming; "
            "KL is that of real hits from humanised ones, in nats, 32 bins of velocity and 40 of "
            "offset, one count added to each. "
            + "; ".join(
                f"timing {p['timing_mae_ms']:.1f} ms, velocity {p['velocity_mae']:.1f}"
                for p in played
            )
            + "."
        )
    if result["baseline_checkpoint"] is None:
        lines.append("The dense form was not measured.")
    else:
        lines.append(f"The dense form is {Path(result['baseline_checkpoint']).name}.")
    return lines


def verdicts(result: Result) -> list[Verdict]:
    """Compare what was found with what is asked for, the worst set counting."""
    sets = result["sets"]
    drums = result["music"] == "drums"
    score = 0.95 if drums else 0.9
    what = "hit F1" if drums else "onset F1 (pitch and step)"
    found = [_worst(sets, what, "hit_f1", score, at_least=True)]
    if drums:
        found.append(_worst(sets, "velocity MAE", "velocity_mae", 8, at_least=False))
        found.append(_worst(sets, "timing MAE, ms", "timing_mae_ms", 8, at_least=False))
    beside = {name: f for name, f in sets.items() if "baseline" in f}
    if beside:
        keys = ("hit_f1", "velocity_mae", "timing_mae_ms") if drums else ("hit_f1",)
        lost = [
            f"{COLUMNS[key]} on {name}"
            for name, f in beside.items()
            for key in keys
            if (f[key] <= f["baseline"][key] if key == "hit_f1" else f[key] >= f["baseline"][key])
        ]
        found.append(
            ("better than dense", "everywhere", "not in " + ", ".join(lost) if lost else "yes",
             not lost)
        )  # fmt: skip
    for name, f in sets.items():
        for key, limit in LIMITS.items() if "humanise" in f else ():
            value = f["humanise"][key]
            text = key.replace("_", " ").replace("mae ms", "MAE, ms").replace("kl", "KL")
            found.append(
                (f"humanise {name}: {text}", f"<= {limit}", f"{value:.3f}", value <= limit)
            )
    for key in attributes.NAMES:
        values = {n: f["attributes"][key] for n, f in sets.items() if "attributes" in f}
        if values:
            name = min(values, key=lambda n: values[n])
            found.append(
                (f"asked against measured: {key}", f">= {ATTRIBUTE}",
                 f"{values[name]:.3f} ({name})", values[name] >= ATTRIBUTE)
            )  # fmt: skip
    return found


def _worst(
    sets: Mapping[str, Any], what: str, key: str, limit: float, *, at_least: bool
) -> Verdict:
    choose = min if at_least else max
    name = choose(sets, key=lambda n: sets[n][key])
    value = sets[name][key]
    sign, met = (">=", value >= limit) if at_least else ("<=", value <= limit)
    return what, f"{sign} {limit}", f"{value:.3f} ({name})", bool(met)


def plots(directory: Path, result: Result, examples: Mapping[str, Any]) -> list[str]:
    """Draw the plots of a report; return the Markdown that shows them."""
    sets = result["sets"]
    series = {"DIC": [f["hit_f1"] for f in sets.values()]}
    if any("baseline" in f for f in sets.values()):
        series["dense"] = [f.get("baseline", {}).get("hit_f1", np.nan) for f in sets.values()]
    with drawn(directory / "hit_f1.png", max(5.0, 1.4 * len(sets) + 2), 3.2) as axes:
        draw_bars(axes, list(sets), series)
        axes.set_ylabel("hit F1")
    shown = ["![Hit F1](hit_f1.png)"]
    turned = {name: e["attributes"] for name, e in examples.items() if "attributes" in e}
    if turned:
        _plot_attributes(directory / "attributes.png", turned)
        shown += [
            "Named dimensions: what was measured against what was asked, in spreads, mean over "
            "the windows of each set:",
            "![Named dimensions](attributes.png)",
        ]
    _plot_examples(directory / "reconstruction.png", examples)
    shown += ["Phrases, and what came back (probability of a hit):"]
    shown += ["![Reconstruction](reconstruction.png)"]
    for name, kept in examples.items():
        if "humanise" in kept:
            _plot_humanise(directory / f"humanise_{name}.png", kept["humanise"])
            shown.append(f"Humanised {name}, against what was played:")
            shown.append(f"![Humanised {name}](humanise_{name}.png)")
    return shown


def _plot_attributes(path: Path, turned: Mapping[str, Mapping[str, Any]]) -> None:
    asked = np.linspace(-1.5, 1.5, 7)
    with drawn(path, 9, 5, nrows=2, ncols=3, sharex=True) as axes:
        for panel, key in zip(axes.ravel(), attributes.NAMES, strict=True):
            panel.plot(asked, asked, color="0.8", linewidth=1)
            for name, curves in turned.items():
                panel.plot(asked, np.asarray(curves[key]).mean(0), marker="o", ms=3, label=name)
            panel.set_title(key, fontsize=9, loc="left")
        axes[0, 0].legend(frameon=False, fontsize=7)


def _plot_examples(path: Path, examples: Mapping[str, Any]) -> None:
    names = list(examples)
    with drawn(path, 9, 2.2 * len(names), nrows=len(names), ncols=2) as axes:
        for row, name in zip(axes, names, strict=True):
            draw_roll(row[0], examples[name]["truth"][0], name)
            draw_roll(row[1], examples[name]["hit"][0], "decoded")


def _plot_humanise(path: Path, kept: Mapping[str, Any]) -> None:
    edges = {"velocity": np.linspace(0, 128, 33), "offset": np.linspace(-0.5, 0.5, 41)}
    units = {"velocity": "velocity", "offset": "offset, sixteenths"}
    with drawn(path, 9, 3, ncols=2) as axes:
        for panel, (key, bins) in zip(axes.ravel(), edges.items(), strict=True):
            for who, colour in (("real", COLOURS[3]), ("made", COLOURS[0])):
                text = "played" if who == "real" else "humanised"
                values = np.clip(kept[f"{who}_{key}"], bins[0], bins[-1])
                style = {"histtype": "step" if who == "made" else "stepfilled", "density": True}
                panel.hist(values, bins, label=text, color=colour, alpha=0.8, **style)
            panel.set_xlabel(units[key])
            panel.legend(frameon=False, fontsize=8)

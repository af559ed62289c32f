"""What is shown of a GAN's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antiphon_models.contenders import NAMES
from antiphon_models.knob import AMOUNTS
from antiphon_models.plots import COLOURS, draw_bars, draw_roll, drawn
from antiphon_models.report_dic import Verdict

Result = Mapping[str, Any]

TITLE: Final = "How well the GAN varies a phrase"

WHO: Final = {"gan": "GAN", "random_edit": "random edits", "dic_only": "DIC alone"}
"""Contenders by their public names, with what they are called in tables."""

STATISTICS: Final = {
    "qualified_notes": "qualified notes",
    "pitch_classes": "pitch classes a bar",
    "scale_consistency": "scale consistency",
    "drum_pattern": "drum pattern",
    "groove_consistency": "groove consistency",
}


def table_rows(result: Result) -> list[list[str]]:
    """Lay out the figures: a heading, then rows for real music, the GAN and its baselines."""
    amounts = [f"{amount:g}" for amount in result["amounts"]]
    shown = {key: text for key, text in STATISTICS.items() if _has(result, key)}
    heading = ["set", "windows", "model", *(f"distance at {a}" for a in amounts)]
    heading += [*(f"told apart at {a}" for a in amounts), "coverage", "density", "Fréchet"]
    rows = [[*heading, *(text for text in shown.values())]]
    for name, f in result["sets"].items():
        blank = [""] * (2 * len(amounts))
        cloud = [_cell(f, f"{key}_real") for key in ("coverage", "density", "frechet")]
        means = [_cell(f["gaps"].get(key, {}), "real") for key in shown]
        rows.append([name, f"{f['windows']:,}", "real music", *blank, *cloud, *means])
        for who, text in WHO.items():
            tail = "" if who == "gan" else f"_{who}"
            cells = [f"{f['measured_distance'][a][who]:.3f}" for a in amounts]
            cells += [f"{f['c2st'][who][a]:.3f} ± {f['c2st_error'][who][a]:.3f}" for a in amounts]
            cells += [_cell(f, f"{key}{tail}") for key in ("coverage", "density", "frechet")]
            cells += [_cell(f["gaps"].get(key, {}), who) for key in shown]
            rows.append(["", "", text, *cells])
    return rows


def _has(result: Result, key: str) -> bool:
    return any(key in f["gaps"] for f in result["sets"].values())


def _cell(figures: Mapping[str, Any], name: str) -> str:
    return f"{figures[name]:.3f}" if name in figures else ""


def describe(result: Result) -> list[str]:
    """Say in a few lines what the figures are, and what each contender does."""
    amounts = " and ".join(f"{amount:g}" for amount in result["amounts"])
    lines = [
        f"Checkpoint {Path(result['checkpoint']).name} ({result['music']}) as it is played, with "
        f"numpy on one core. Amount 1 asks for a distance of {result['reach']:g}; the distance "
        "is the share of hits that only the phrase or only its variation has.",
        "Random edits flip cells at random until they are as far from the phrase as the GAN's "
        "variation of it: notes removed and added equally often, added only in slots that exist "
        "and on drums that the phrase uses, or within the range of its pitches; new notes have "
        "the velocity, offset and duration of a note of the phrase, kept ones are moved at random "
        "as far as the GAN moves its own. The DIC alone moves the phrase's latent towards another "
        "window's, with noise, and decodes it; how far is found by bisection, so that the "
        "distance comes as near as it can.",
        f"Told apart: accuracy of a fresh classifier at amounts {amounts}, trained on half of the "
        "pieces, tested on the other half, real windows against variations of other windows, "
        "three seeds, ± standard error; 0.5 is chance. Coverage, density (k = 5) and Fréchet "
        "distance: variations of one half of the pieces against the music of the other, in the "
        "DIC's features. Statistics are means over both amounts; real music is all windows, "
        "the phrases that are varied among them.",
    ]
    for name, f in result["sets"].items():
        step, many = f["step_ms"], f["diversity"]
        lines.append(
            f"{name}: amount against distance {f['distance_spearman_edit']:.3f} on the grid, "
            f"{f['distance_spearman_dic']:.3f} in the latent space; the same at amount 0: "
            f"{100 * f['identical_at_zero']:.0f} %; of 16 variations {many['identical_pairs']} of "
            f"{many['pairs']:,} pairs alike (mean distance {many['distance']:.2f}, "
            f"{100 * many['retried']:.1f} % tried again); one variation takes {step['p50']:.2f} ms "
            f"(p99 {step['p99']:.2f}), 16 take {step['sixteen']['p50']:.1f} ms "
            f"(p99 {step['sixteen']['p99']:.1f})."
        )
    return lines


def verdicts(result: Result) -> list[Verdict]:
    """Compare what was found with what is asked for, the worst set counting."""
    sets: Mapping[str, Any] = result["sets"]
    low = min(sets, key=lambda n: sets[n]["distance_spearman"])
    rho = sets[low]["distance_spearman"]
    same = min(f["identical_at_zero"] for f in sets.values())
    found = [
        ("amount against distance, Spearman", ">= 0.95", f"{rho:.3f} ({low})", rho >= 0.95),
        ("amount 0 gives the phrase itself", "always", f"{100 * same:.0f} %", same == 1.0),
    ]
    found += [
        _gap_verdict(sets, key, text) for key, text in STATISTICS.items() if _has(result, key)
    ]
    for amount in (f"{a:g}" for a in result["amounts"]):
        lost = []
        for name, f in sets.items():
            away = {who: abs(f["c2st"][who][amount] - 0.5) for who in NAMES}
            if away["gan"] >= min(away["random_edit"], away["dic_only"]):
                lost.append(name)
        text = "farther on " + ", ".join(lost) if lost else "nearer everywhere"
        found.append((f"two-sample test at {amount}", "nearer to 0.5 than both", text, not lost))
    covered = {n: f["coverage_share"] for n, f in sets.items() if "coverage_share" in f}
    if covered:
        low = min(covered, key=lambda n: covered[n])
        found.append(
            ("coverage, share of real against real", ">= 0.8", f"{covered[low]:.3f} ({low})",
             covered[low] >= 0.8)
        )  # fmt: skip
    alike = sum(f["diversity"]["identical_pairs"] for f in sets.values())
    found.append(("variations alike at amount >= 0.2", "none", f"{alike} pairs", alike == 0))
    slow = max(f["step_ms"]["sixteen"]["p50"] for f in sets.values())
    found.append(("16 variations, one core", "<= 20 ms", f"{slow:.1f} ms (median)", slow <= 20))
    return found


def _gap_verdict(sets: Mapping[str, Any], key: str, text: str) -> Verdict:
    """Judge one statistic: within 5 points of real on each set, and nearer than both baselines."""
    far, lost, worst = [], [], 0.0
    for name, f in sets.items():
        if key not in f["gaps"]:
            continue
        points = f["gaps"][key]["points"]
        worst = max(worst, points["gan"])
        if points["gan"] > 5:
            far.append(name)
        if points["gan"] >= min(points["random_edit"], points["dic_only"]):
            lost.append(name)
    said = f"{worst:.1f} points at most"
    if lost:
        said += f"; not nearer than both on {', '.join(lost)}"
    return f"gap: {text}", "<= 5 points, nearer than both", said, not far and not lost


def plots(directory: Path, result: Result, examples: Mapping[str, Any]) -> list[str]:
    """Draw the plots of a report; return the Markdown that shows them."""
    _plot_knob(directory / "distance.png", result, examples)
    _plot_test(directory / "two_sample.png", result)
    shown = [
        "Distance against amount, on the grid (with what is asked for, grey) and in the latent "
        "space, mean over phrases:",
        "![Distance](distance.png)",
        "How often a fresh classifier tells variations from music:",
        "![Two-sample test](two_sample.png)",
    ]
    for name, kept in examples.items():
        with drawn(directory / f"variations_{name}.png", 9, 5, nrows=2, ncols=2) as axes:
            for panel, amount, cells in zip(
                axes.ravel(), kept["amounts"], kept["rolls"], strict=True
            ):
                draw_roll(panel, cells, "the phrase" if amount == 0 else f"amount {amount:g}")
        shown += [f"A phrase of {name} and its variations:", f"![{name}](variations_{name}.png)"]
    return shown


def _plot_knob(path: Path, result: Result, examples: Mapping[str, Any]) -> None:
    with drawn(path, 9, 3.4, ncols=2) as axes:
        one, two = axes.ravel()
        one.plot([0, 1], [0, result["reach"]], color="0.8", linewidth=1)
        for name, kept in examples.items():
            one.plot(AMOUNTS, kept["curve"][0], marker="o", ms=3, label=name)
            two.plot(AMOUNTS, kept["curve"][1], marker="o", ms=3, label=name)
        one.set_ylabel("distance on the grid")
        two.set_ylabel("distance in the latent space")
        for panel in (one, two):
            panel.set_xlabel("amount")
        one.legend(frameon=False, fontsize=8)


def _plot_test(path: Path, result: Result) -> None:
    sets = result["sets"]
    names = [f"{name}, {amount:g}" for name in sets for amount in result["amounts"]]
    series = {
        text: [f["c2st"][who][f"{a:g}"] for f in sets.values() for a in result["amounts"]]
        for who, text in WHO.items()
    }
    with drawn(path, max(5.0, 0.9 * len(names) + 2), 3.4) as axes:
        draw_bars(axes, names, series)
        axes.axhline(0.5, color=COLOURS[3], linewidth=1)
        axes.set_ylim(0.4, 1)
        axes.set_ylabel("accuracy")

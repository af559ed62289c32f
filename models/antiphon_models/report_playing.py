"""What is shown of how a player plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from antiphon_models.generation.features import FEATURES
from antiphon_models.generation.statistics import NAMES
from antiphon_models.generation.telling import JUDGES
from antiphon_models.report_dic import Verdict

Result = Mapping[str, Any]

WHO: Final = {"player": "player", "ngram": "n-gram", "before": "the bars before"}
"""Contenders by their public names, with what they are called in tables."""

CLOUD: Final = ("precision", "recall", "density", "coverage")

KNOBS: Final = ("density", "register", "polyphony", "velocity")

OVERLAP: Final = 0.8
TOLD: Final = 0.7
BETTER: Final = 0.1
OBEYED: Final = 0.9
IN_KEY: Final = 0.97
IN_BAND: Final = 0.9


def part_of(result: Result, part: str) -> dict[str, Any]:
    """Return the figures of a part by set."""
    return {name: f[part] for name, f in result["sets"].items() if part in f}


def _who(figures: Mapping[str, Any]) -> list[str]:
    return [who for who in WHO if who in figures]


def tables(result: Result) -> list[tuple[str, str, list[list[str]]]]:
    """Lay out the figures: of each table its heading, what it shows, and its rows."""
    found = []
    if part_of(result, "continuations"):
        found += [_likeness(result), _overlaps(result), _statistics(result)]
    if part_of(result, "controls"):
        found.append(_controls(result))
    if part_of(result, "long_run"):
        found.append(_long_runs(result))
    return found


def _likeness(result: Result) -> tuple[str, str, list[list[str]]]:
    rows = [
        ["set", "continuations", "model", "overlap", "KL", *CLOUD, "told apart, grid",
         "told apart, measures",
         "copied, median", "copied, 95 %", "copied, longest"]
    ]  # fmt: skip
    for name, f in part_of(result, "continuations").items():
        copied = f.get("copied", {})
        blank = [""] * 8
        rows.append([name, f"{f['count']}", "real music", *blank, *_copied(copied.get("human"))])
        for who in _who(f["overlap"]):
            cloud = f["cloud"].get(who, {})
            told = [f.get("told_apart", {}).get(judge, {}).get(who) for judge in JUDGES]
            cells = [f"{f['overlap'][who]['mean']:.3f}", f"{f['kl'][who]['mean']:.3f}"]
            cells += [f"{cloud[key]:.2f}" if key in cloud else "" for key in CLOUD]
            cells += ["" if accuracy is None else f"{accuracy:.3f}" for accuracy in told]
            rows.append(["", "", WHO[who], *cells, *_copied(copied.get(who))])
    text = (
        f"{result['playing']['bars']}-bar continuations of held-out music beside what the "
        "musicians played next. Overlap and KL: Yang and Lerch, means over their twelve features. "
        "Precision, recall, density and coverage of their features. Told apart: accuracy of "
        "fresh classifiers that see the notes on a grid, and what is measured of them; 0.5 is "
        "chance. Copied: notes of the longest passage that stands in "
        "training music, whatever its key."
    )
    return "Continuations", text, rows


def _copied(figures: Mapping[str, float] | None) -> list[str]:
    keys = ("median", "p95", "longest")
    return [""] * 3 if figures is None else [f"{figures[key]:.0f}" for key in keys]


def _overlaps(result: Result) -> tuple[str, str, list[list[str]]]:
    sets = part_of(result, "continuations")
    rows = [["what", *(f"{name}, {WHO[who]}" for name in sets for who in ("player", "ngram")
                       if who in sets[name]["overlap"])]]  # fmt: skip
    for feature in FEATURES:
        cells = [
            f"{f['overlap'][who][feature]:.2f}"
            for f in sets.values()
            for who in ("player", "ngram")
            if who in f["overlap"]
        ]
        rows.append([feature.replace("_", " "), *cells])
    return "Overlapped area by feature", "1 is the same distribution of distances.", rows


def _statistics(result: Result) -> tuple[str, str, list[list[str]]]:
    rows = [["set", "model", *(name.replace("_", " ") for name in NAMES)]]
    for name, f in part_of(result, "continuations").items():
        for index, (who, text) in enumerate({"human": "real music", **WHO}.items()):
            if who in f["statistics"]:
                own = f["statistics"][who]
                cells = [f"{own[key]:.3f}" if key in own else "" for key in NAMES]
                rows.append(["" if index else name, text, *cells])
    return "Pitch and groove", "Statistics as MusPy defines them, means over continuations.", rows


def _controls(result: Result) -> tuple[str, str, list[list[str]]]:
    rows = [["set", "model", *(f"{name} (pooled)" for name in KNOBS), "in key", "unasked"]]
    for name, each in part_of(result, "controls").items():
        for index, who in enumerate(_who(each)):
            f = each[who]
            cells = [
                f"{f[key]['spearman']:.3f} ({f[key]['pooled']:.3f})" if key in f else ""
                for key in KNOBS
            ]
            key = f.get("key")
            shares = ["", ""] if key is None else [f"{key[k]:.3f}" for k in ("in_key", "unasked")]
            rows.append(["" if index else name, WHO[who], *cells, *shares])
    text = (
        "Rank correlation (Spearman) of what is asked and what is measured within each prompt, "
        "averaged, and over all prompts at once. Density: different onsets a beat; register: mean "
        "pitch; polyphony: notes struck at an onset (where two ever are); velocity: as it is sent. "
        "In key: share of pitched notes in the key asked for, beside the share in the same keys "
        "when none is."
    )
    return "Controls", text, rows


def _long_runs(result: Result) -> tuple[str, str, list[list[str]]]:
    rows = [
        ["set", "model", "notes", "longest loop", "share in loops", "longest silence, beats",
             "pitch entropy in band", "rhythm entropy in band", "drift, pitch", "drift, rhythm"]
    ]  # fmt: skip
    for name, each in part_of(result, "long_run").items():
        real = each["human"]
        bands = [" to ".join(f"{end:.2f}" for end in b) for b in real["band"].values()]
        cells = [str(real["longest_loop"]), f"{real['looped']:.3f}", f"{real['silence']:.1f}"]
        rows.append([name, "real music", "", *cells, *(bands or ["", ""]), "", ""])
        for who in _who(each):
            f = each[who]
            cells = [f"{f['notes']:,}", str(f["longest_loop"]), f"{f['looped']:.3f}"]
            cells.append(f"{f['silence']:.1f}")
            cells += [f"{f['in_band'][k]:.3f}" if k in f["in_band"] else "" for k in f["drift"]]
            cells += [f"{value:+.2f}" for value in f["drift"].values()]
            rows.append(["", WHO[who], *cells])
    text = (
        "Notes in a row. A loop is a passage that comes four times or more in a row, 64 notes or "
        "more in all. Entropies in bits of windows of 100 notes; the band holds 95 % of real "
        "windows; drift is the last fifth of the run less the first."
    )
    return "Long runs", text, rows


def mean_overlap(result: Result, who: str) -> float:
    """Return the overlapped area of a contender, mean over features and sets."""
    sets = part_of(result, "continuations").values()
    return float(np.mean([f["overlap"][who]["mean"] for f in sets]))


def verdicts(result: Result) -> list[Verdict]:
    """Compare what was found with what is asked for; nothing if nothing was played."""
    found: list[Verdict] = []
    playing = result.get("playing", {})
    if sets := part_of(result, "continuations"):
        area = mean_overlap(result, "player")
        low = min(sets, key=lambda n: sets[n]["overlap"]["player"]["mean"])
        least = sets[low]["overlap"]["player"]["mean"]
        text = f"{area:.3f} (least: {low}, {least:.3f})"
        found.append(("mean overlapped area", f">= {OVERLAP:g}", text, area >= OVERLAP))
        if "ngram" in playing["contenders"]:
            other = mean_overlap(result, "ngram")
            found.append(
                ("mean overlapped area", "above the n-gram's", f"{area:.3f}, {other:.3f}",
                 area > other)
            )  # fmt: skip
    if told := playing.get("told_apart", {}):
        found += _told(told)
    found += _obeyed(result)
    if copied := playing.get("copied", {}):
        own, real = copied["player"], copied["human"]
        for key, what in (("p95", "95th percentile"), ("longest", "longest of all")):
            text = f"{own[key]:.0f} notes, human 95th percentile {real['p95']:.0f}"
            text += f", human longest {real['longest']:.0f}"
            asked = "<= the human 95th percentile"
            found.append((f"copied passage, {what}", asked, text, own[key] <= real["p95"]))
    found += _stable(result)
    return found


def _told(told: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    """Return the verdicts on the two-sample test, by the classifier that tells the player best."""
    judge = max(told, key=lambda name: told[name]["player"]["accuracy"])
    own = told[judge]["player"]
    text = f"{own['accuracy']:.3f} ± {own['error']:.3f} (by the {judge})"
    found = [("two-sample test, accuracy", f"<= {TOLD:g}", text, own["accuracy"] <= TOLD)]
    if "ngram" in told[judge]:
        other = told[judge]["ngram"]["accuracy"]
        gap = other - own["accuracy"]
        asked = f">= {BETTER:g} below the n-gram's"
        text = f"{gap:.3f} below {other:.3f}"
        found.append(("two-sample test, accuracy", asked, text, gap >= BETTER))
    return found


def _obeyed(result: Result) -> list[Verdict]:
    """Return the verdicts on the controls: means over the sets, and the worst set."""
    sets = {name: each["player"] for name, each in part_of(result, "controls").items()}
    found: list[Verdict] = []
    for key in KNOBS:
        rho = {name: f[key]["spearman"] for name, f in sets.items() if key in f}
        if rho:
            mean, low = float(np.mean(list(rho.values()))), min(rho, key=lambda n: rho[n])
            text = f"{mean:.3f} (least: {low}, {rho[low]:.3f})"
            found.append((f"{key} obeyed, Spearman", f">= {OBEYED:g}", text, mean >= OBEYED))
    kept = {name: f["key"]["in_key"] for name, f in sets.items() if "key" in f}
    if kept:
        low = min(kept, key=lambda n: kept[n])
        text = f"{100 * kept[low]:.1f} % (least: {low})"
        found.append(("key kept when asked", f">= {100 * IN_KEY:g} %", text, kept[low] >= IN_KEY))
    return found


def _stable(result: Result) -> list[Verdict]:
    sets = part_of(result, "long_run")
    if not sets:
        return []
    over = {
        name: f["player"]["longest_loop"]
        for name, f in sets.items()
        if f["player"]["longest_loop"] > f["human"]["longest_loop"]
    }
    text = ", ".join(f"{name} {size}" for name, size in over.items()) or "none"
    found = [("loops longer than in real music", "none", text, not over)]
    for key in ("pitch", "rhythm"):
        share = {
            name: f["player"]["in_band"][key]
            for name, f in sets.items()
            if key in f["player"]["in_band"]
        }
        if share:
            low, mean = min(share, key=lambda n: share[n]), float(np.mean(list(share.values())))
            found.append(
                (f"{key} entropy in the band of real music", f">= {IN_BAND:g} in every set",
                 f"{mean:.3f} (least: {low}, {share[low]:.3f})", share[low] >= IN_BAND)
            )  # fmt: skip
    return found

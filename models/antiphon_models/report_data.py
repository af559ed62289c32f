"""The quality report of a data set: Markdown with tables, and plots as PNG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon.errors import DataError
from antiphon_models.data.faults import REFUSALS, REPAIRS
from antiphon_models.data.prepare import SPLITS, load_dataset, read_manifest
from antiphon_models.data.quality import Holdings, remarks, take_stock
from antiphon_models.plots import drawn, require_matplotlib
from antiphon_models.report import markdown

LISTED: Final = 40
"""Files, or pairs, that a list of the report names; the manifest has them all."""

DRAWN: Final = 16
"""Sets that are drawn, the largest first."""

Manifest = Mapping[str, Any]
Items = Sequence[Mapping[str, Any]]


def write_data_report(directory: Path, dataset: Path) -> Path:
    """Write ``report.md`` and its plots about a prepared data set.

    Parameters
    ----------
    directory : Path
        Where to write.
    dataset : Path
        What ``antiphon prepare`` wrote.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    DataError
        If the folder cannot be written, or matplotlib is not installed.
    """
    require_matplotlib()
    manifest = read_manifest(dataset)
    held = {style: take_stock(pieces) for style, pieces in _everything(dataset, manifest).items()}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _draw_fates(directory / "files.png", _fates(manifest))
        _draw_distributions(directory / "distributions.png", held)
        path = directory / "report.md"
        path.write_text("\n\n".join(_parts(manifest, held)) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"expected to write a report to {directory}",
            f"found {error.strerror or error}",
            "choose another folder",
        ) from error
    return path


def _everything(dataset: Path, manifest: Manifest) -> dict[str, list[Any]]:
    """Load the pieces of all splits, by set."""
    found: dict[str, list[Any]] = {style: [] for style in manifest["sets"]}
    for split in SPLITS:
        if any(split in entry["splits"] for entry in manifest["sets"].values()):
            for style, pieces in load_dataset(dataset, split).items():
                found[style] += pieces
    return found


def _parts(manifest: Manifest, held: Mapping[str, Holdings]) -> list[str]:
    counts = _counts(manifest)
    notable = [text for style in held for text in remarks(style, held[style], counts[style])]
    return [
        "# What is in the data",
        markdown(_overview(manifest, held)),
        "*Left out* are copies of what is kept, and training music that validation or test music "
        "is related to. *Hours* go from first onset to last, at the tempo in which a piece begins.",
        "![Files kept, left out and refused](files.png)",
        *(["## Worth knowing", "\n".join(f"- {text}" for text in notable)] if notable else []),
        "## Refused",
        *_refused(manifest["refused"]),
        "## Repaired",
        markdown(_repaired(counts)) if any(counts.values()) else "Nothing had to be repaired.",
        "\n".join(f"- *{sort}*: {text.format(n='…')}" for sort, text in REPAIRS.items()),
        "## Alike",
        *_alike(manifest["doubles"]),
        "## What the notes are like",
        markdown(_distributions(held)),
        "Three figures are the 5th, 50th and 95th percentile. Durations, in beats, and pitches are "
        "those of pitched notes; where there is no beat half a second counts as one.",
        "![Distributions, a row for each set](distributions.png)",
        "On the right, where in the beat notes begin: on a grid only a few places are used, "
        "played music spreads around them, and music that is off its beats would fill all alike.",
    ]


def _style(item: Mapping[str, Any]) -> str:
    return str(item["file"]).split("/", 1)[0]


def _fates(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Count files by set and by what became of them."""
    refused = Counter(map(_style, manifest["refused"]))
    doubles = [item for item in manifest["doubles"] if item["dropped"]]
    copies = Counter(_style(item) for item in doubles if item["how"] != "related")
    related = Counter(_style(item) for item in doubles if item["how"] == "related")
    styles = sorted({*manifest["sets"], *refused, *copies, *related})
    return {
        style: {
            "kept": sum(
                split["pieces"]
                for split in manifest["sets"].get(style, {"splits": {}})["splits"].values()
            ),
            "copies": copies[style],
            "related": related[style],
            "refused": refused[style],
        }
        for style in styles
    }


def _counts(manifest: Manifest) -> dict[str, Counter[str]]:
    """Sum what was repaired, by set and sort."""
    found: dict[str, Counter[str]] = {style: Counter() for style in _fates(manifest)}
    for item in manifest["repaired"]:
        found[_style(item)].update(item["counts"])
    return found


def _overview(manifest: Manifest, held: Mapping[str, Holdings]) -> list[list[str]]:
    mended = Counter(map(_style, manifest["repaired"]))
    rows = [
        ["set", "files", "kept", "left out", "refused", "repaired", "no beat", "hours", "notes"]
    ]
    total = np.zeros(8)
    for style, fate in _fates(manifest).items():
        have = held.get(style)
        figures = [
            sum(fate.values()), fate["kept"], fate["copies"] + fate["related"], fate["refused"],
            mended[style], have.free if have else 0, have.hours if have else 0.0,
            have.notes if have else 0,
        ]  # fmt: skip
        total += figures
        rows.append([style, *_cells(figures)])
    return [*rows, ["**all**", *_cells(total.tolist())]]


def _cells(figures: Sequence[float]) -> list[str]:
    return [f"{value:,.1f}" if at == 6 else f"{int(value):,}" for at, value in enumerate(figures)]


def _refused(items: Items) -> list[str]:
    if not items:
        return ["No file was refused."]
    sorts = Counter(item.get("sort", "") for item in items)
    rows = [["file ...", "files"]]
    rows += [[REFUSALS.get(sort, "cannot be used"), str(n)] for sort, n in sorts.most_common()]
    return [markdown(rows), _list([f"`{item['file']}`: {item['reason']}" for item in items])]


def _repaired(counts: Mapping[str, Counter[str]]) -> list[list[str]]:
    sorts = [sort for sort in REPAIRS if any(found[sort] for found in counts.values())]
    rows = [["set", *sorts]]
    return rows + [
        [style, *(f"{found[sort]:,}" for sort in sorts)] for style, found in counts.items()
    ]


def _alike(items: Items) -> list[str]:
    if not items:
        return ["No two pieces are alike."]
    texts = [
        "Pieces are compared whatever their key and tempo. *Exact* is the same in every note, "
        "*near* a copy but for some notes, or a part of the other; *related* are editions, "
        "performances or arrangements of one work, and pieces that quote each other at length. Of "
        "copies training keeps one, and nothing that validation or test music is like. Percent is "
        "how much of the smaller one's music the other has."
    ]
    rows = [["set", "exact, left out", "near, left out", "related, left out", "alike, kept"]]
    for style in sorted(set(map(_style, items))):
        mine = [item for item in items if _style(item) == style]
        gone = Counter(item["how"] for item in mine if item["dropped"])
        kept = sum(not item["dropped"] for item in mine)
        rows.append([style, *(str(gone[how]) for how in ("exact", "near", "related")), str(kept)])
    texts.append(markdown(rows))
    for dropped, title in ((True, "Left out:"), (False, "Alike, and kept:")):
        found = sorted(
            (item for item in items if item["dropped"] == dropped),
            key=lambda item: (-item.get("share", 1.0), item["file"]),
        )
        if found:
            lines = [
                f"`{item['file']}` {item['how']} {item.get('share', 1.0):.0%} `{item['of']}`"
                for item in found
            ]
            texts += [title, _list(lines)]
    return texts


def _list(lines: Sequence[str]) -> str:
    shown = [f"- {line}" for line in lines[:LISTED]]
    if len(lines) > LISTED:
        shown.append(f"- ... and {len(lines) - LISTED} more in the data set's `manifest.json`")
    return "\n".join(shown)


def _distributions(held: Mapping[str, Holdings]) -> list[list[str]]:
    rows = [["set", "tempo", "bar", "velocity", "duration", "pitch", "notes a second"]]
    for style, have in held.items():
        bars = [f"{name} {n / have.bars.total():.0%}" for name, n in have.bars.most_common(3)]
        rows.append(
            [
                style,
                _spread(have.tempo, 0),
                ", ".join(bars),
                _spread(have.velocity, 0),
                _spread(have.duration, 2),
                _spread(have.pitch, 0),
                _spread(have.rate, 1),
            ]
        )
    return rows


def _spread(values: Any, digits: int) -> str:
    if not len(values):
        return ""
    return " · ".join(f"{v:.{digits}f}" for v in np.quantile(values, (0.05, 0.5, 0.95)))


def _draw_fates(path: Path, fates: Mapping[str, Mapping[str, int]]) -> None:
    """Draw a bar for each set, of the files by what became of them."""
    shown = sorted(fates, key=lambda style: -sum(fates[style].values()))[:DRAWN]
    kinds = {"kept": "#1f5f8b", "copies": "#d98032", "related": "#6a8f3c", "refused": "0.35"}
    with drawn(path, 7, 0.6 + 0.32 * len(shown)) as axes:
        left = np.zeros(len(shown))
        for kind, colour in kinds.items():
            width = np.array([fates[style][kind] for style in shown])
            axes.barh(shown, width, left=left, label=kind, color=colour)
            left += width
        axes.invert_yaxis()
        axes.set_xlabel("files")
        axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))


def _draw_distributions(path: Path, held: Mapping[str, Holdings]) -> None:
    """Draw a row of histograms for each set."""
    shown = sorted(held, key=lambda style: -held[style].notes)[:DRAWN]
    panels: dict[str, tuple[str, Any]] = {
        "tempo": ("tempo", np.arange(20, 261, 5)),
        "velocity": ("velocity", np.arange(0.5, 128, 2)),
        "duration": ("duration, beats", np.geomspace(1 / 48, 64, 45)),
        "pitch": ("pitch", np.arange(20.5, 109)),
        "phase": ("place in the beat", (np.arange(49) - 0.5) / 48),
    }
    height = 1.1 * len(shown) + 0.6
    with drawn(path, 12, height, nrows=len(shown), ncols=len(panels)) as axes:
        for row, style in zip(axes, shown, strict=True):
            for one, (name, (title, bins)) in zip(row, panels.items(), strict=True):
                counts, edges = np.histogram(getattr(held[style], name), bins)
                one.stairs(counts, edges, fill=True, color="#1f5f8b")
                if not counts.any():
                    one.text(0.5, 0.5, "none", transform=one.transAxes, color="0.5", fontsize=8)
                one.set_yticks([])
                one.tick_params(labelsize=7)
                if name == "duration":
                    one.set_xscale("log", base=2)
                    one.set_xticks([1 / 16, 1 / 4, 1, 4, 16], ["1/16", "1/4", "1", "4", "16"])
                if style == shown[0]:
                    one.set_title(title, fontsize=9, loc="left")
                if style != shown[-1]:
                    one.tick_params(labelbottom=False)
            row[0].set_ylabel(style, rotation=0, ha="right", va="center", fontsize=8)

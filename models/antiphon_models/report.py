"""Shows an evaluation: a table in the terminal, Markdown with plots in a folder.

What is shown of each kind of network stands in ``report_player``, ``report_dic`` and
``report_gan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from antiphon.errors import DataError
from antiphon_models import report_dic, report_gan, report_player
from antiphon_models.plots import require_matplotlib

Result = Mapping[str, Any]
"""What ``antiphon evaluate --json`` prints."""

_MODULES = {"player": report_player, "dic": report_dic, "gan": report_gan}


def _module(result: Result) -> ModuleType:
    return _MODULES[result.get("kind", "player")]


def describe(result: Result) -> list[str]:
    """Say in a few lines what the figures are."""
    lines: list[str] = _module(result).describe(result)
    return lines


def print_table(result: Result) -> None:
    """Print the figures as a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    heading, *rows = _module(result).table_rows(result)
    table = Table()
    for index, name in enumerate(heading):
        left = index == 0 or name == "model"
        table.add_column(name, justify="left" if left else "right", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row, style="bold" if row[0] else "dim")
    console = Console()
    if not console.is_terminal:  # a file or a pipe takes whole lines
        console = Console(width=200)
    console.print(table)
    for line in describe(result):
        console.print(line, highlight=False)


def markdown_table(result: Result) -> str:
    """Return the figures as a Markdown table."""
    return markdown(_module(result).table_rows(result))


def markdown(rows: list[list[str]]) -> str:
    """Return rows, the first being the heading, as a Markdown table."""
    heading, *rest = rows
    left = [index == 0 or name in ("model", "what") for index, name in enumerate(heading)]
    align = [":--" if is_left else "--:" for is_left in left]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heading, align, *rest))


def verdict_table(result: Result) -> str:
    """Return what is asked of the network beside what was found, as Markdown; "" for a player."""
    module = _module(result)
    if not hasattr(module, "verdicts"):
        return ""
    rows = [
        [what, asked, found, "yes" if met else "no"]
        for what, asked, found, met in module.verdicts(result)
    ]
    return markdown([["what", "asked", "found", "met"], *rows])


def write_report(directory: Path, result: Result, examples: Mapping[str, Any]) -> Path:
    """Write ``report.md`` and its plots.

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
    module = _module(result)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        plots = module.plots(directory, result, examples)
        verdicts = verdict_table(result)
        parts = [
            f"# {module.TITLE}",
            "\n\n".join(describe(result)),
            *(["## Asked and found", verdicts, "## Figures"] if verdicts else []),
            markdown_table(result),
            *plots,
        ]
        path = directory / "report.md"
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"expected to write a report to {directory}",
            f"found {error.strerror or error}",
            "choose another folder",
        ) from error
    return path

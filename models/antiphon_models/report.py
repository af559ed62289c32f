"""Shows an evaluation: a table in the terminal, Markdown with plots in a folder.

What is shown of each kind of network stands in ``report_player``, ``report_dic`` and
``report_gan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from antiphon.errors import DataError
from antiphon_models import report_dic, report_gan, report_player
from antiphon_models.plots import require_matplotlib

if TYPE_CHECKING:
    from rich.table import Table

Result = Mapping[str, Any]
"""What ``antiphon evaluate --json`` prints."""

_MODULES = {"player": report_player, "dic": report_dic, "gan": report_gan}


def _module(result: Result) -> ModuleType:
    return _MODULES[result.get("kind", "player")]


def describe(result: Result) -> list[str]:
    """Say in a few lines what the figures are."""
    lines: list[str] = _module(result).describe(result)
    return lines


def _more_tables(result: Result) -> list[tuple[str, str, list[list[str]]]]:
    """Return the tables besides the first: of each its heading, what it shows, and its rows."""
    module = _module(result)
    found: list[tuple[str, str, list[list[str]]]] = []
    return module.more_tables(result) if hasattr(module, "more_tables") else found


def print_table(result: Result) -> None:
    """Print the figures as tables on standard output."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a file or a pipe takes whole lines
        console = Console(width=200)
    rows = _module(result).table_rows(result)
    if len(rows) > 1:
        console.print(_table(rows))
    for line in describe(result):
        console.print(line, highlight=False)
    for heading, text, rows in _more_tables(result):
        console.print(_table(rows, heading))
        console.print(text, highlight=False)


def _table(rows: list[list[str]], title: str | None = None) -> Table:
    """Lay out rows, the first being the heading, for a terminal."""
    from rich.table import Table

    heading, *rows = rows
    table = Table(title=title)
    for index, name in enumerate(heading):
        left = index == 0 or name == "model"
        table.add_column(name, justify="left" if left else "right", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row, style="bold" if row[0] else "dim")
    return table


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
    """Return what is asked of the network beside what was found, as Markdown; "" if nothing is."""
    rows = [
        [what, asked, found, "yes" if met else "no"]
        for what, asked, found, met in _module(result).verdicts(result)
    ]
    return markdown([["what", "asked", "found", "met"], *rows]) if rows else ""


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
        figures = module.table_rows(result)
        parts = [
            f"# {module.TITLE}",
            "\n\n".join(describe(result)),
            *(["## Asked and found", verdicts, "## Figures"] if verdicts else []),
            *([markdown(figures)] if len(figures) > 1 else []),
        ]
        for heading, text, rows in _more_tables(result):
            parts += [f"### {heading}", text, markdown(rows)]
        parts += plots
        path = directory / "report.md"
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"expected to write a report to {directory}",
            f"found {error.strerror or error}",
            "choose another folder",
        ) from error
    return path

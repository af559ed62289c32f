"""The README says what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from antiphon.cli import COMMANDS
from antiphon.commands import AVAILABLE
from antiphon.params import TABLE

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def tables() -> ModuleType:
    """Load the script that makes the tables."""
    spec = importlib.util.spec_from_file_location("tables", ROOT / "tools" / "readme_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_code(tables: ModuleType) -> None:
    """The README's tables of modes and parameters are what the code would write today."""
    assert tables.updated(README) == README, "run python tools/readme_tables.py"


def test_every_parameter_and_mode_has_a_row(tables: ModuleType) -> None:
    """No parameter and no mode of this version is left out."""
    for param in TABLE:
        assert f"| `{param.name}` |" in tables.param_table()
    for mode in AVAILABLE:
        assert f"`{mode.name.lower()}`" in tables.mode_table()


def test_every_command_is_named() -> None:
    """Each command of the command line stands in the README."""
    missing = [spec.name for spec in COMMANDS if f"antiphon {spec.name}" not in README]
    assert missing == []


def test_links_lead_somewhere() -> None:
    """Every link to a file of the project leads to a file; pictures may be made later."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    missing = [link for link in links if not (ROOT / link).exists() and "images/" not in link]
    assert missing == []

"""The order of the house: who may import whom, what importing costs, and what is documented."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BRIDGE, MODELS, TESTS = ROOT / "bridge", ROOT / "models", ROOT / "tests"
MODELS_MAY_IMPORT = {"antiphon.music", "antiphon.model", "antiphon.errors"}


def _layers() -> list[list[str]]:
    """Return the rows of the table of modules in docs/architecture.md, the highest first."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## Modules", 1)[1].split("\n\n", 3)
    rows = [line for part in table for line in part.splitlines() if line.startswith("| `")]
    names = [re.findall(r"`([\w/]+)`", row.split("|")[1]) for row in rows]
    return [[name.rstrip("/") for name in row] for row in names]


LAYERS = _layers()
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the path of every module under a source root."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(name: str, path: Path) -> set[str]:
    """Return the dotted names that a module imports, wherever in it."""
    found: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [base])])
            # `from antiphon import midi` imports a module, `from antiphon.music import Note` a name
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if _is_module(whole) else base)
    return found


def _is_module(name: str) -> bool:
    inner = Path(*name.split("."))
    return any(
        (root / inner).with_suffix(".py").exists() or (root / inner / "__init__.py").exists()
        for root in (BRIDGE, MODELS)
    )


def _place(name: str) -> str:
    """Return the entry of the list that a module of the bridge belongs to."""
    return name.split(".")[1] if "." in name else ""


BRIDGE_MODULES = [(name, path) for name, path in _modules(BRIDGE) if "." in name]
MODEL_MODULES = list(_modules(MODELS))
SOURCES = [*_modules(BRIDGE), *MODEL_MODULES]


def test_every_module_has_a_place_in_the_list() -> None:
    """Each module of the bridge stands in docs/architecture.md's list, and each entry exists."""
    here = {_place(name) for name, _ in BRIDGE_MODULES}
    assert here - set(RANK) == set(), "add these to the list of modules in docs/architecture.md"
    assert set(RANK) - here == set(), "the list names modules that do not exist"


@pytest.mark.parametrize(("name", "path"), BRIDGE_MODULES, ids=lambda v: str(v).split("/")[-1])
def test_imports_go_down_the_list_only(name: str, path: Path) -> None:
    """No module of the bridge imports one that stands above it in the list."""
    mine = RANK.get(_place(name), -1)  # the test above complains of what is not in the list
    ours = {i for i in _imports(name, path) if i.startswith("antiphon.")}
    upwards = {i for i in ours if RANK.get(_place(i), len(LAYERS)) < mine}
    assert upwards == set()


def test_the_bridge_never_imports_the_models() -> None:
    """The bridge reaches the models by an import string, resolved where they are needed."""
    guilty = [
        name
        for name, path in BRIDGE_MODULES
        if any(i.split(".")[0] == "antiphon_models" for i in _imports(name, path))
    ]
    assert guilty == []


@pytest.mark.parametrize(("name", "path"), MODEL_MODULES, ids=lambda v: str(v).split("/")[-1])
def test_the_models_know_little_of_the_bridge(name: str, path: Path) -> None:
    """The models import the bridge's values, its protocol and its errors, and no more."""
    ours = {i for i in _imports(name, path) if i.split(".")[0] == "antiphon"}
    assert ours <= MODELS_MAY_IMPORT


def test_importing_the_bridge_leaves_torch_alone() -> None:
    """`import antiphon` and every module of the bridge load neither torch nor matplotlib."""
    names = [name for name, _ in BRIDGE_MODULES if not name.endswith("__main__")]
    code = (
        "import importlib, sys\n"
        f"for name in {['antiphon', *names]!r}:\n"
        "    importlib.import_module(name)\n"
        "print(*{'torch', 'matplotlib', 'antiphon_models'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def _undocumented(tree: ast.Module) -> Iterator[str]:
    """Yield the public functions and classes without a docstring, methods included."""
    bodies: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    while bodies:
        prefix, body = bodies.pop()
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                bodies.append((prefix, node.body))
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                bodies.append((f"{prefix}{node.name}.", node.body))


@pytest.mark.parametrize(("name", "path"), SOURCES, ids=lambda v: str(v).split("/")[-1])
def test_what_is_public_is_documented(name: str, path: Path) -> None:
    """Every module, and every public class, function and method in it, has a docstring."""
    tree = _tree(path)
    if path.stat().st_size:
        assert ast.get_docstring(tree), f"{name} has no docstring"
    assert list(_undocumented(tree)) == []


def test_every_test_says_in_one_sentence_what_it_promises() -> None:
    """Each test function has a docstring that is one sentence."""
    guilty = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            words = " ".join((ast.get_docstring(node) or "").split())
            if not words.endswith(".") or re.search(r"[a-z]{3}\. [A-Z]", words):
                guilty.append(f"{path.name}: {node.name}")
    assert guilty == []

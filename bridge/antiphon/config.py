"""The user's settings: ``antiphon.toml``, and the controllers that were learnt.

``antiphon.toml`` holds the long options of ``antiphon play`` under their own names, parameters
in a table ``[params]`` and bindings in a table ``[learn]``::

    sync = "midi"
    input = ["Keystation"]

    [params]
    temperature = 0.9
    "turn/bars" = 2

    [learn]
    turn = 66

Options on the command line win over the file. What was learnt while playing is kept beside it,
in ``learned.toml``, and wins over ``[learn]``.
"""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import platformdirs

from antiphon import params
from antiphon.commands import SWITCHES
from antiphon.errors import UsageError

OPTIONS: Final[dict[str, type | tuple[type, ...]]] = {
    "backend": str,
    "input": list,
    "output": list,
    "osc": str,
    "live": str,
    "sync": str,
    "bpm": (int, float),
    "meter": str,
    "mode": str,
    "player": str,
    "gan": list,
    "device": str,
    "seed": int,
    "record": str,
}
"""Options that the file may set, with the types they take."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says.

    Attributes
    ----------
    options : dict
        Option name -> value.
    settings : dict
        Parameter name -> value, checked.
    bindings : dict
        Controller number -> parameter name or switch, as in :mod:`antiphon.learn`.
    """

    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    bindings: dict[int, str] = field(default_factory=dict)


def folder() -> Path:
    """Return the user's configuration folder for Antiphon."""
    return Path(platformdirs.user_config_dir("antiphon", appauthor=False))


def load(path: Path | None = None) -> Config:
    """Read the configuration file and what was learnt.

    Parameters
    ----------
    path : Path, optional
        The file; when left out, ``antiphon.toml`` in :func:`folder` if there is one.

    Raises
    ------
    UsageError
        If the file named is missing, or a file holds something that means nothing.
    """
    learned = folder() / "learned.toml"
    bindings = _bindings(_read(learned).get("learn", {}), learned) if learned.exists() else {}
    if path is None:
        path = folder() / "antiphon.toml"
        if not path.exists():
            return Config(bindings=bindings)
    content = _read(path)
    settings = _settings(content.pop("params", {}), path)
    bindings = {**_bindings(content.pop("learn", {}), path), **bindings}
    for name, value in content.items():
        wanted = OPTIONS.get(name)
        if wanted is None:
            known = ", ".join([*OPTIONS, "[params]", "[learn]"])
            raise UsageError(f"{path} may set {known}", f"found {name!r}", "correct the name")
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise UsageError(
                f"{name!r} in {path} takes {_type_name(wanted)}", f"found {value!r}", "correct it"
            )
    return Config(content, settings, bindings)


def save_bindings(bindings: dict[int, str]) -> None:
    """Keep what was learnt for the next time, whole or not at all."""
    target = folder() / "learned.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'"{name}" = {controller}' for controller, name in sorted(bindings.items())]
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    with open(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(["[learn]", *lines, ""]))
    Path(temporary).replace(target)


def parse_settings(pairs: list[str], where: str = "--set") -> dict[str, float]:
    """Read ``NAME=VALUE`` pairs of the command line, given with the option `where`.

    Raises
    ------
    UsageError
        If one is no pair, or names no parameter, or is out of range.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            values[name] = float(value)
        except ValueError:
            found = f"found {pair!r}"
            raise UsageError("--set takes NAME=NUMBER", found, "as in key=9") from None
    return _settings(values, where)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            "expected a configuration file",
            f"{path} does not exist",
            "create it or leave --config out",
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} must be a TOML file", str(error), "correct it") from None


def _settings(values: Any, where: object) -> dict[str, float]:
    if not isinstance(values, dict):
        raise UsageError(f"[params] in {where} must be a table", f"found {values!r}", "correct it")
    checked = {}
    for name, value in values.items():
        param = params.BY_NAME.get(name)
        if param is None or not isinstance(value, int | float):
            raise UsageError(
                f"{where} sets parameters to numbers",
                f"found {name} = {value!r}",
                "see the table of parameters in the README",
            )
        try:
            checked[name] = param.check(float(value))
        except ValueError as error:
            raise UsageError(f"in {where}, {error}", f"found {value:g}", "correct it") from None
    return checked


def _bindings(values: Any, where: Path) -> dict[int, str]:
    found = {}
    for name, controller in values.items() if isinstance(values, dict) else ():
        known = name in SWITCHES or name in params.BY_NAME
        if not known or not isinstance(controller, int) or not 0 <= controller <= 127:
            raise UsageError(
                f"[learn] in {where} binds a parameter, or one of {', '.join(SWITCHES)}, "
                "to a controller 0..127",
                f"found {name} = {controller!r}",
                "correct it",
            )
        found[controller] = name
    return found


def _type_name(kind: type | tuple[type, ...]) -> str:
    names = {str: "text", list: "a list of names", int: "a whole number"}
    return "a number" if isinstance(kind, tuple) else names[kind]

"""The command line: one table of commands, errors turned into one line and an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from rich_argparse import RawDescriptionRichHelpFormatter

from antiphon import __version__
from antiphon.errors import AntiphonError

EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command: what it does in a line, and where its arguments and its code are."""

    name: str
    help: str
    module: str
    """Imported only when the command is used; has ``add_<name>_arguments`` and ``run_<name>``."""


COMMANDS: Final = (
    CommandSpec("play", "play with you: the daemon", "antiphon.play"),
    CommandSpec(
        "ports", "list MIDI back ends and ports, and which would be used", "antiphon.tools"
    ),
    CommandSpec("doctor", "check the set-up, with a remedy for each fault", "antiphon.tools"),
    CommandSpec("bench", "measure this machine: step, answer, lateness, thru", "antiphon.bench"),
    CommandSpec("continue", "continue a MIDI file", "antiphon.continue_file"),
    CommandSpec("vary", "make variations of a phrase or groove", "antiphon.vary_file"),
    CommandSpec("blend", "morph from one phrase to another", "antiphon.blend_file"),
    CommandSpec("prepare", "make a data set of a folder of MIDI files", "antiphon_models.commands"),
    CommandSpec("train", "train a network", "antiphon_models.commands"),
    CommandSpec("curves", "draw how training runs went, or are going", "antiphon_models.curves"),
    CommandSpec("evaluate", "measure a network on held-out music", "antiphon_models.evaluate"),
    CommandSpec("nearest", "find the training music most like a phrase", "antiphon_models.nearest"),
    CommandSpec("models", "list the checkpoints found", "antiphon_models.catalogue"),
)

EXTRA: Final = "install the training extra: pip install 'antiphon[train]'"


class _Parser(argparse.ArgumentParser):
    """Errors in one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        """End with what was wrong and where to read more."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def make_parser(chosen: str | None) -> argparse.ArgumentParser:
    """Build the parser; only the command that was chosen has its arguments."""
    parser = _Parser(
        prog="antiphon",
        description="A live partner for musicians: it hears MIDI and OSC, and answers in time.",
        formatter_class=RawDescriptionRichHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"antiphon {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for spec in COMMANDS:
        sub = commands.add_parser(
            spec.name,
            help=spec.help,
            description=spec.help[0].upper() + spec.help[1:] + ".",
            formatter_class=RawDescriptionRichHelpFormatter,
        )
        if spec.name == chosen:
            _function(spec, "add_{}_arguments")(sub)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; ``sys.argv`` when left out.

    Returns
    -------
    int
        0 on success, 2 for what the user can mend, 1 for what we must, 130 on Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in given if not word.startswith("-")), None)
    try:
        options = make_parser(chosen).parse_args(given)
        spec = next(spec for spec in COMMANDS if spec.name == options.command)
        return int(_function(spec, "run_{}")(options))
    except AntiphonError as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return EXIT_USAGE
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "matplotlib"):
            raise
        print(f"antiphon: this needs {error.name}; it is not installed; {EXTRA}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _function(spec: CommandSpec, pattern: str) -> Any:
    return getattr(importlib.import_module(spec.module), pattern.format(spec.name))

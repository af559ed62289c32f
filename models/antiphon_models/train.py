"""``antiphon train``: checks what was asked for, and starts the loop with the right recipe."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

import torch

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon_models.loop import Loop, Recipe


def _player(args: argparse.Namespace, device: torch.device) -> Recipe:
    from antiphon_models.train_player import PlayerRecipe

    return PlayerRecipe(args, device)


def _dic(args: argparse.Namespace, device: torch.device) -> Recipe:
    from antiphon_models.train_dic import DICRecipe

    return DICRecipe(args, device)


def _gan(args: argparse.Namespace, device: torch.device) -> Recipe:
    from antiphon_models.train_gan import GANRecipe

    return GANRecipe(args, device)


RECIPES: Final[dict[str, Callable[[argparse.Namespace, torch.device], Recipe]]] = {
    "player": _player,
    "dic": _dic,
    "gan": _gan,
}


def train(args: argparse.Namespace) -> int:
    """Train as the arguments of ``antiphon train`` say; return the exit status.

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    if args.minutes is None and args.steps is None:
        raise UsageError(
            "expected --minutes or --steps", "found neither", "say how long to train, or how far"
        )
    if any(limit is not None and limit <= 0 for limit in (args.minutes, args.steps)):
        raise UsageError(
            "expected --minutes and --steps above 0", "found less", "give a positive number"
        )
    device = choose_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    resume = args.out / "resume.pt"
    if resume.exists() and not args.resume:
        raise UsageError(
            f"expected no earlier run in {args.out}",
            "found one",
            "add --resume to go on with it, or choose another --out",
        )
    if args.resume and not resume.exists():
        raise CheckpointError(
            f"expected a run to resume in {args.out}", "found none", "leave out --resume"
        )
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"expected to write to {args.out}", f"found {error.strerror}", "choose another --out"
        ) from error
    recipe = RECIPES[args.kind](args, device)
    return Loop(recipe, args, device).run(resume if args.resume else None)


def choose_device(name: str) -> torch.device:
    """Return the device named, or for "auto" the best one here.

    Raises
    ------
    UsageError
        If the device named is not here.
    """
    have = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, here in have.items() if here)
    if not have[name]:
        raise UsageError(
            f"expected the device {name}", "found none here", "use --device auto or cpu"
        )
    return torch.device(name)

"""``antiphon train``: checks what was asked for, and starts the loop with the right recipe.

Under ``torchrun`` every process runs this, and each trains with its share of the batch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

import torch

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon_models.checkpoint import SUFFIX
from antiphon_models.loop import Loop
from antiphon_models.parallel import Ranks, join
from antiphon_models.recipe import Recipe
from antiphon_models.run_folder import RESUME


def _player(args: argparse.Namespace, device: torch.device, ranks: Ranks) -> Recipe:
    from antiphon_models.train_player import PlayerRecipe

    return PlayerRecipe(args, device, ranks)


def _dic(args: argparse.Namespace, device: torch.device, ranks: Ranks) -> Recipe:
    from antiphon_models.train_dic import DICRecipe

    return DICRecipe(args, device, ranks)


def _gan(args: argparse.Namespace, device: torch.device, ranks: Ranks) -> Recipe:
    from antiphon_models.train_gan import GANRecipe

    return GANRecipe(args, device, ranks)


RECIPES: Final[dict[str, Callable[[argparse.Namespace, torch.device, Ranks], Recipe]]] = {
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
    _check(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if args.kind == "pedal":
        from antiphon_models.train_pedal import train_pedal

        return train_pedal(args, choose_device(args.device))
    ranks, device = join(choose_device(args.device))
    try:
        return _train(args, device, ranks)
    finally:
        ranks.close()


def _train(args: argparse.Namespace, device: torch.device, ranks: Ranks) -> int:
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"expected to write to {args.out}", f"found {error.strerror}", "choose another --out"
        ) from error
    torch.manual_seed(args.seed)
    recipe = RECIPES[args.kind](args, device, ranks)
    if ranks.rank:  # the weights are those of the seed; what is dropped out differs
        torch.manual_seed(args.seed + (ranks.rank << 32))
    status = Loop(recipe, args, device, ranks).run(args.resume)
    if status == 0 and args.kind == "player" and args.init is not None and ranks.leads:
        from antiphon_models.runtime import checkpoint_path
        from antiphon_models.train_pedal import carry_head
        from antiphon_models.tuning import report_tuning

        carry_head(checkpoint_path(args.init), args.out / f"player{SUFFIX}")
        report_tuning(args, device)
    return status


def _check(args: argparse.Namespace) -> None:
    tunes = args.kind == "player" and args.init is not None  # then the music says how far
    if args.minutes is None and args.steps is None and not (tunes or args.kind == "pedal"):
        raise UsageError(
            "expected --minutes or --steps", "found neither", "say how long to train, or how far"
        )
    limits = (args.minutes, args.steps, args.batch, args.chunk)
    if any(limit is not None and limit <= 0 for limit in limits):
        raise UsageError(
            "expected --minutes, --steps, --batch and --chunk above 0",
            "found less",
            "give a positive number",
        )
    if args.dropout is not None and not 0 <= args.dropout < 1:
        raise UsageError(
            "expected --dropout from 0 to below 1", f"found {args.dropout}", "lower it"
        )
    resume = args.out / RESUME
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

"""Data-parallel training: what the processes that ``torchrun`` starts say to each other.

Every process (rank) holds the whole network and its share of each batch. Gradients are summed
over all of them, weighted by what each was the mean of, so that a step is the one that a single
process would take on the whole batch. Rank 0 alone validates, logs and writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")

PATIENCE: Final = timedelta(hours=2)
"""How long ranks wait for one that validates; longer than any validation should take."""


class Ranks:
    """The processes that train one network together; one alone unless ``torchrun`` started it.

    Attributes
    ----------
    rank, world : int
        Which process this is, of how many.
    """

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world

    @property
    def share(self) -> tuple[int, int]:
        """(rank, world)."""
        return self.rank, self.world

    @property
    def leads(self) -> bool:
        """Whether this process validates, logs and writes."""
        return self.rank == 0

    def say(self, text: str) -> None:
        """Print a line, once for all processes."""
        if self.leads:
            print(text, flush=True)

    def mine(self, batch: int) -> slice:
        """Return this process's share of a batch."""
        return slice(self.rank * batch // self.world, (self.rank + 1) * batch // self.world)

    def agree(self, stop: bool, seconds: float) -> tuple[bool, float]:
        """Return whether any process was asked to stop, and the time by rank 0's watch."""
        if self.world == 1:
            return stop, seconds
        told = torch.tensor([float(stop), seconds if self.leads else 0.0], dtype=torch.float64)
        dist.all_reduce(told)
        return bool(told[0] > 0), float(told[1])

    def average_gradients(
        self, parameters: Iterable[nn.Parameter], weight: float, *figures: float | Tensor
    ) -> list[Tensor]:
        """Replace gradients by their weighted mean over all processes, in one exchange.

        Parameters
        ----------
        parameters : iterable of Parameter
            The same ones, in the same order, in every process.
        weight : float
            How many notes (or windows) this process's gradients are the mean of.
        *figures
            Averaged likewise.

        Returns
        -------
        list of Tensor
            The averaged figures, then the sum of the weights.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        device = gradients[0].device
        extra = [torch.as_tensor(f, device=device).detach().float().view(1) for f in figures]
        one = torch.ones(1, device=device)
        flat = torch.cat([*(g.flatten() for g in gradients), *extra, one])
        flat *= weight
        dist.all_reduce(flat)
        total = flat[-1].clone()
        flat /= total.clamp(min=1e-12)
        sizes = [g.numel() for g in gradients]
        parts = torch.split(flat[: sum(sizes)], sizes)
        torch._foreach_copy_(
            gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)]
        )
        return [*flat[sum(sizes) : -1], total]

    def total(self, count: int) -> int:
        """Return the sum of a number over all processes."""
        if self.world == 1:
            return count
        told = torch.tensor(count)
        dist.all_reduce(told)
        return int(told)

    def broadcast(self, value: T) -> T:
        """Return rank 0's value in every process; also waits for rank 0."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank; on other ranks than 0 an empty list."""
        if self.world == 1:
            return [value]
        box: list[Any] | None = [None] * self.world if self.leads else None
        dist.gather_object(value, box)
        return box or []

    def close(self) -> None:
        """Say good-bye to the others."""
        if self.world > 1:
            dist.destroy_process_group()


def join(device: torch.device) -> tuple[Ranks, torch.device]:
    """Join the processes that ``torchrun`` started, each on a device of its own.

    Gradients go by NCCL between CUDA devices and by Gloo between CPUs; plain values always by
    Gloo, so that a step never waits for the GPU.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Ranks(), device
    backend = "gloo"
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=PATIENCE)
    return Ranks(dist.get_rank(), world), device

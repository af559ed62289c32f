"""``antiphon train`` as a process of ``torchrun``; it may be told to stop, as by a signal.

STOP_RANK and STOP_STEP in the environment name the process that is asked to stop, and the step
in which it is asked.
"""

from __future__ import annotations

import os
import sys

from torch import Tensor

from antiphon_models import loop
from antiphon_models.commands import main

if "STOP_STEP" in os.environ:
    step = loop.Loop._step

    def interrupted(self: loop.Loop) -> Tensor:
        """Take a step; one process is asked to stop meanwhile."""
        if self.ranks.rank == int(os.environ["STOP_RANK"]):
            self.stop = self.step == int(os.environ["STOP_STEP"])
        return step(self)

    loop.Loop._step = interrupted  # type: ignore[method-assign]

sys.exit(main(sys.argv[1:]))

"""``python -m antiphon`` and the ``antiphon`` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; kept apart so that importing the package costs nothing."""
    from antiphon.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

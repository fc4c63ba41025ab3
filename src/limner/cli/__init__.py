"""The command line: one small file per command, each calling the verb of the same name in `limner.api`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the `limner` command."""
    try:
        from limner.cli.app import app  # inside, so that Ctrl-C while Python is still importing ends quietly too

        app()
    except KeyboardInterrupt:
        sys.exit(130)

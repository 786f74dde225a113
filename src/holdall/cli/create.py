"""``holdall create``: make what the stores lack."""

from __future__ import annotations

from holdall.cli.fitting import prepare
from holdall.cli.target import Target, TargetText

__all__ = ["create"]


def create(target: TargetText) -> None:
    """Make the tables and folders that are missing; those that are there stay as they are."""
    found = Target(target)
    prepare(found, create=True)
    number = len(list(found.app.collections()))
    print(f"{target}: everything is there ({number} collection{'' if number == 1 else 's'})")

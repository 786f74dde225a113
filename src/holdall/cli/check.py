"""``holdall check``: do the declarations hold together, and does what is stored fit them?"""

from __future__ import annotations

from holdall.cli.fitting import prepare
from holdall.cli.target import Target, TargetText
from holdall.store import named

__all__ = ["check"]


def check(target: TargetText) -> None:
    """See that all references resolve and that what is stored fits the models; no table and no record is changed."""
    found = Target(target)
    for store, accepted in prepare(found).items():
        for difference in accepted:
            print(f"accepted: {store}: {named(difference)}")
    number = len(list(found.app.collections()))
    print(f"{target}: what is stored fits the models ({number} collection{'' if number == 1 else 's'})")

"""``holdall error``: the meaning of an error, or of the code of a problem document, and the way out."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from holdall import errors
from holdall.cli.failure import MISUSE, Failure
from holdall.errors import PROBLEMS, WAYS
from holdall.query import did_you_mean

__all__ = ["error"]

_URN = "urn:holdall:"

Code = Annotated[
    str | None, typer.Argument(metavar="[CODE]", help="Such as StaleVersion, or stale, or urn:holdall:stale.")
]


def error(code: Code = None) -> None:
    """Tell the meaning of an error and what to do about it; without CODE, list all."""
    if code is None:
        print("\n".join([*sorted(WAYS), *PROBLEMS]))
        return
    name = code.removeprefix(_URN)
    if name in WAYS:
        kind = getattr(errors, name)
        meaning, _, _ = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
        print(f"{name}: {meaning}\n\n{WAYS[name]}")
    elif name in PROBLEMS:
        found = PROBLEMS[name]
        statuses = ", ".join(map(str, found.statuses)) or "any status"
        print(f"{_URN}{name} ({statuses}): {found.meaning}\n\n{found.way}")
    else:
        near = did_you_mean(name, [*WAYS, *PROBLEMS], 3)
        raise Failure(f"there is no error {name!r}{near}; holdall error lists all", MISUSE)

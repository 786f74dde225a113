"""``python -m tools.build_errors``: write ``docs/errors.md``, a part for every error and every code of a problem."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from holdall import errors
from holdall.errors import PROBLEMS, WAYS

__all__ = ["page"]

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"

_INTRODUCTION = """\
# Errors

Written by `make files`; not by hand. Each error of Python has its class, each problem document its code,
`urn:holdall:<code>`; `holdall error StaleVersion` and `holdall error stale` print the same on a terminal. The codes of
single fields (`required`, `type`, `unique`, …) stand in `errors` of a `ValidationError` and of a problem document, each
with a path and a message.

The texts of messages may change in any release; classes, attributes and codes are public ([what is public](public.md)).
"""


def page() -> str:
    """The page, as it should be."""
    parts = [_INTRODUCTION, "## Classes\n"]
    for name, way in WAYS.items():
        kind = getattr(errors, name)
        meaning = _plain(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0])
        bases = ", ".join(
            f"[`{base.__name__}`](#{base.__name__.lower()})" for base in kind.__bases__ if base.__name__ in WAYS
        )
        again = " Repeating the work may succeed." if _is_retryable(kind) else ""
        parts.append(f"### {name}\n\n" + (f"A {bases}. " if bases else "") + f"{meaning}{again}\n\n{way}\n")
    parts.append("## Problem documents\n")
    for code, found in PROBLEMS.items():
        statuses = ", ".join(map(str, found.statuses)) or "Any status"
        parts.append(f"### urn:holdall:{code}\n\n{statuses}. {found.meaning}\n\n{found.way}\n")
    return "\n".join(parts)


def _is_retryable(kind: type[errors.HoldallError]) -> bool:
    """Whether its class alone says so, by a property that is always true."""
    found = inspect.getattr_static(kind, "is_retryable")
    return isinstance(found, bool) and found


def _plain(text: str) -> str:
    return re.sub(r"\s*Example: :\w+:`\w+`\.", "", text).replace("``", "`").replace("\n", " ")


def main() -> int:
    """Write the page."""
    _PAGE.write_text(page())
    print(_PAGE.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())

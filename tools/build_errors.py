"""``python -m tools.build_errors``: write ``docs/errors.md``, a part for every error and every code of a problem."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from holdall import errors
from holdall.errors import PROBLEMS, WAYS

__all__ = ["page", "pages"]

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
    parts += [f"### {name}\n\n{_of_class(name)}" for name in WAYS]
    parts.append("## Problem documents\n")
    parts += [f"### urn:holdall:{code}\n\n{_of_code(code)}" for code in PROBLEMS]
    return "\n".join(parts)


def pages() -> dict[str, str]:
    """A page for each code and each class by itself, by its name in the site: ``errors/stale``."""
    named = {code: (f"urn:holdall:{code}", _of_code(code)) for code in PROBLEMS}
    named |= {name: (name, _of_class(name)) for name in WAYS}
    every = "[All errors](../errors.md)"
    return {
        f"errors/{name}": f"# {title}\n\n{text.replace('](#', '](../errors.md#')}\n{every}\n"
        for name, (title, text) in named.items()
    }


def _of_class(name: str) -> str:
    kind = getattr(errors, name)
    meaning = _plain(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0])
    bases = ", ".join(
        f"[`{base.__name__}`](#{base.__name__.lower()})" for base in kind.__bases__ if base.__name__ in WAYS
    )
    again = " Repeating the work may succeed." if _is_retryable(kind) else ""
    return (f"A {bases}. " if bases else "") + f"{meaning}{again}\n\n{WAYS[name]}\n"


def _of_code(code: str) -> str:
    found = PROBLEMS[code]
    statuses = ", ".join(map(str, found.statuses)) or "Any status"
    return f"{statuses}. {found.meaning}\n\n{found.way}\n"


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

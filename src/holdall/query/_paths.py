"""Names and paths as they stand in the text of a query."""

from __future__ import annotations

import re
from collections.abc import Sequence

from holdall.errors import QueryError
from holdall.query._formula import Formula
from holdall.query._tokens import KEYWORDS

__all__ = ["write_name", "write_path"]

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AGGREGATE = re.compile(r"(rows|count|sum|avg|min|max)\(.*\)", re.DOTALL)


def write_name(name: str) -> str:
    """The name, in backticks where it is a keyword or has characters of its own; formulas as they are."""
    if name.__class__ is Formula or (_BARE.fullmatch(name) and name not in KEYWORDS) or _AGGREGATE.fullmatch(name):
        return name
    return "`" + name.replace("`", "``") + "`"


def write_path(path: Sequence[str]) -> str:
    """The names with points between. Raises QueryError for an empty path."""
    if not path:
        raise QueryError("an empty path has no text")
    return ".".join(map(write_name, path))

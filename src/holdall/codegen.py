"""Functions made of source that this package writes, with lines that tracebacks and debuggers show, and parts in C.

Only names chosen here, names of declared fields and constants may enter a source, never a value that was given.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from types import CodeType
from typing import Any
from zlib import crc32

__all__ = ["compiled", "function"]


def compiled(module: str, version: int) -> Any:
    """A module written in C, or None where that was not built, or is of another version than ``version``.

    ``HOLDALL_PURE=1`` in the environment leaves out every module in C; what they do is done in Python, too.
    """
    if os.environ.get("HOLDALL_PURE", "0") not in ("", "0"):
        return None
    try:
        found = import_module(module)
    except ImportError:  # not built, or for another Python
        return None
    return found if getattr(found, "VERSION", None) == version else None


def function(name: str, parameters: str, body: str | Sequence[str], names: Mapping[str, Any], about: str) -> Any:
    """The function ``name`` with these parameters, whose body (lines, or an expression to be returned) sees ``names``.

    ``about`` says in tracebacks what it is for, such as ``Book.title, written``.

    >>> double = function("double", "x", "x * factor", {"factor": 2}, "an example")
    >>> double(21)
    42
    """
    lines = [f"    return {body}"] if isinstance(body, str) else body
    source = "\n".join([f"def {name}({parameters}):", *lines, ""])
    place = f"<holdall {about} {crc32(source.encode()):08x}>"
    scope = dict(names)
    exec(_code(source, place), scope)  # noqa: S102 - see above for what enters it
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)  # None: it is no file
    return scope[name]


@lru_cache(maxsize=1000)
def _code(source: str, place: str) -> CodeType:
    """The code of a source, told to be of this place."""
    return _placed(_compiled(source), place)


@lru_cache(maxsize=1000)
def _compiled(source: str) -> CodeType:
    """Compiled once for all functions that are written alike, such as those that write a number into any field."""
    return compile(source, "<holdall>", "exec")


def _placed(code: CodeType, place: str) -> CodeType:
    consts = (_placed(each, place) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_filename=place, co_consts=tuple(consts))

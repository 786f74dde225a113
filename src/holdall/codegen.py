"""Functions made of source that this package writes, with lines that tracebacks and debuggers show.

Only names chosen here, names of declared fields and constants may enter a source, never a value that was given.
"""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

__all__ = ["function"]


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
    exec(compile(source, place, "exec"), scope)  # noqa: S102 - see above for what enters it
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)  # None: it is no file
    return scope[name]

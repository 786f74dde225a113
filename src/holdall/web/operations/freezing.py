"""The objects of a process that begins to serve: they live to its end, so the garbage collector leaves them alone."""

from __future__ import annotations

import gc

__all__ = ["freeze_once"]

_frozen = False


def freeze_once() -> None:
    """Collect the garbage of the start, and leave what is left out of all later collections; the first time only.

    A full collection looks at every object of imported modules, which takes a tenth of a second and more, and comes
    the more often the more records requests read (https://docs.python.org/3/library/gc.html#gc.freeze).
    Example: :func:`asgi`.
    """
    global _frozen
    if not _frozen:
        _frozen = True
        gc.collect()
        gc.freeze()

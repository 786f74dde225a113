"""The sentence for an error in code that is not of the command line: its place, its type and its text."""

from __future__ import annotations

import traceback
from pathlib import Path

import holdall
from holdall.errors import HoldallError

__all__ = ["blame"]

_PACKAGE = Path(holdall.__file__).parent


def blame(error: BaseException) -> str:
    """Describe an error in somebody else's code, with its place: ``fails at library.py:3 with KeyError: 'x'``.

    The place of an error of Holdall is where its code was called.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and "importlib" not in frame.filename
    ]
    if isinstance(error, HoldallError):
        frames = [frame for frame in frames if not Path(frame.filename).is_relative_to(_PACKAGE)] or frames
    if isinstance(error, SyntaxError):
        where = f" at {error.filename}:{error.lineno}"
    else:
        where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    said = str(error)
    return f"fails{where} with {type(error).__name__}" + (f": {said}" if said else "")

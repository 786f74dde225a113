"""The end of a command: a sentence for the person at the terminal, and an exit code for the script around it."""

from __future__ import annotations

__all__ = ["FAULT", "INTERRUPTED", "MISUSE", "REFUSED", "Failure"]

REFUSED = 1
"""What was asked for is understood and cannot be done."""
MISUSE = 2
"""What was asked for makes no sense."""
FAULT = 70
"""The code of the application, or of Holdall, failed: EX_SOFTWARE of sysexits.h."""
INTERRUPTED = 130
"""Somebody pressed Ctrl-C: 128 and the number of the signal, as shells have it."""


class Failure(Exception):
    """Ends the command with this message and exit code, and without a traceback.

    >>> Failure("there is no application in library.py", code=2).code
    2
    """

    def __init__(self, message: str, code: int = REFUSED) -> None:
        self.code = code
        super().__init__(message)

"""Errors of calls of services."""

from __future__ import annotations

from holdall.errors.root import HoldallError

__all__ = ["UnknownCommand"]


class UnknownCommand(HoldallError, LookupError):
    """No service has this method, or it is not for callers: ``command`` is the path that was asked for.

    >>> app = Holdall("library")
    >>> async def example():
    ...     async with app.dal() as dal:
    ...         await dal.loans.lend(1)
    >>> import asyncio
    >>> asyncio.run(example())
    Traceback (most recent call last):
    holdall.errors.UnknownCommand: there is no command 'loans.lend': this application has no service 'loans'
    """

    def __init__(self, command: str, reason: str) -> None:
        self.command = command
        self.reason = reason
        super().__init__(f"there is no command {command!r}: {reason}")

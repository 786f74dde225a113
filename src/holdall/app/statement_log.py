"""The log of statements: one logger for each family of stores, slow ones as warnings, all of them echoed if asked."""

from __future__ import annotations

import logging
import sys
from functools import cache, lru_cache

import msgspec

from holdall.store import Sent

__all__ = ["StatementLog", "logger_of"]

_LONGEST_VALUES = 1_000  # characters
_LONGEST_KEPT = 4_000  # characters of a statement that is remembered


@cache
def logger_of(family: str) -> logging.Logger:
    """The logger of a family's statements: ``holdall.sql`` and its like."""
    return logging.getLogger(f"holdall.{family}")


class StatementLog(msgspec.Struct, frozen=True):
    """Logs each statement at DEBUG, with ``store``, ``statement``, ``seconds``, ``rows`` and ``failure`` as attributes
    of the log's record; a slow one is a WARNING.

    ``slow_query`` is the number of seconds from which on a statement is slow. Values are shown with ``has_values``
    only. ``is_echo`` writes every line to standard error as well, whatever logging is set to.
    """

    slow_query: float | None = None
    has_values: bool = False
    is_echo: bool = False

    def sent(self, sent: Sent) -> None:
        """Log a statement that has ended."""
        logger = logger_of(sent.family)
        is_slow = self.slow_query is not None and sent.seconds >= self.slow_query
        level = logging.WARNING if is_slow else logging.DEBUG
        if not self.is_echo and not logger.isEnabledFor(level):
            return
        line = self._line(sent, is_slow=is_slow)
        if logger.isEnabledFor(level):
            extra = {
                "store": sent.store,
                "statement": sent.statement,
                "seconds": sent.seconds,
                "rows": sent.rows,
                "failure": sent.error,
            }
            # not by log(), which looks through the stack for a caller that is always this file
            logger.handle(logger.makeRecord(logger.name, level, __file__, 0, line, (), None, "sent", extra))
        if self.is_echo:
            print(line, file=sys.stderr)  # noqa: T201 - that is what an echo is

    def _line(self, sent: Sent, *, is_slow: bool) -> str:
        rows = "" if sent.rows is None else f", {sent.rows} rows"
        end = "" if sent.error is None else f", failed: {sent.error}"
        slow = "slow: " if is_slow else ""
        line = f"{slow}{sent.store}: {_text(sent.statement)} ({sent.seconds:.6f} s{rows}{end})"
        return f"{line} {_shown(sent.values)}" if self.has_values else line


def _text(statement: str) -> str:
    return _kept_on_one_line(statement) if len(statement) <= _LONGEST_KEPT else _on_one_line(statement)


def _on_one_line(statement: str) -> str:
    return statement.replace(" \n", " ").replace("\n", " ")


_kept_on_one_line = lru_cache(maxsize=500)(_on_one_line)


def _shown(values: object) -> str:
    text = repr(values)
    return text if len(text) <= _LONGEST_VALUES else f"{text[:_LONGEST_VALUES]}…"

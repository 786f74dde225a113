"""Loggers put back as they were: programs of documents and examples set levels and add handlers for good."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["loggers_kept"]

_State = tuple[int, list[logging.Handler], bool, bool]


@contextmanager
def loggers_kept() -> Iterator[None]:
    """Give every logger, also one that the block makes, the level and handlers back that it had before the block."""
    before = {logger: _state(logger) for logger in _loggers()}
    try:
        yield
    finally:
        for logger in _loggers():
            level, handlers, propagates, is_disabled = before.get(logger, (logging.NOTSET, [], True, False))
            if logger.level != level:
                logger.setLevel(level)
            logger.handlers[:], logger.propagate, logger.disabled = handlers, propagates, is_disabled


def _loggers() -> list[logging.Logger]:
    known = logging.Logger.manager.loggerDict.values()
    return [logging.getLogger(), *[logger for logger in known if isinstance(logger, logging.Logger)]]


def _state(logger: logging.Logger) -> _State:
    return logger.level, list(logger.handlers), logger.propagate, logger.disabled

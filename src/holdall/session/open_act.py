"""The action that a session is in."""

from __future__ import annotations

import msgspec

from holdall.query import Value

__all__ = ["OpenAct"]


class OpenAct(msgspec.Struct, eq=False):
    """An action under way in a session, with all that it calls.

    ``model`` is that of the records it is about. ``is_trusted`` if what it writes is the program's, not the user's.
    ``is_ending`` once it has run and is written.
    ``has_failed`` if an action within it did, whatever happened to its error.

    Example: :class:`Action`.
    """

    name: str
    is_trusted: bool
    model: Value = None
    is_ending: bool = False
    has_failed: bool = False

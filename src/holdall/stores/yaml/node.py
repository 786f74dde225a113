"""Where values lie in a text: each value with its place, the entries of mappings and lists with theirs."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from holdall.query import Value

__all__ = ["Entry", "Form", "Node"]


class Form(Enum):
    """How a value is written."""

    NOTHING = "nothing"
    SCALAR = "scalar"
    BLOCK_TEXT = "block text"
    BLOCK = "block"
    FLOW = "flow"


class Node(msgspec.Struct):
    """A value and the offsets between which it is written.

    ``column`` is that of a block collection's entries; ``header_end`` is behind the mark of a block scalar.
    """

    value: Value
    start: int
    end: int
    form: Form
    entries: list[Entry] = []
    column: int = 0
    header_end: int = 0


class Entry(msgspec.Struct):
    """One entry of a collection: it begins at ``start``, and its value right behind ``mark``, a colon or dash.

    In a flow collection the mark of a list's item is its start. ``mark`` is None where a name has no colon.
    """

    start: int
    mark: int | None
    name: Any
    node: Node

"""Changing a text by ruamel's round trip: comments and order stay, indentation and blanks may settle.

Values stand in for themselves as plain words while the library writes the text, and are put in their places afterwards,
written as everywhere else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString, PlainScalarString

from holdall.stores.yaml.edit import newline_of
from holdall.stores.yaml.emit import emit_inline, is_inline
from holdall.stores.yaml.errors import Unreadable

__all__ = ["replace_by_round_trip"]


def replace_by_round_trip(text: str, position: int | None, changes: Mapping[str, Any] | None) -> str:
    """The text with values of its mapping, or of the mapping at this position of its list, replaced.

    Without changes the item at the position is removed. Raises Unreadable.
    """
    words, newline = _Words(), newline_of(text)
    text = text.replace("\r\n", "\n")  # the library doubles line ends of two characters in comments
    try:
        yaml = _settings(text)
        document = yaml.load(text)
        if changes is None:
            del document[position]
        else:
            mapping = document if position is None else document[position]
            for name, value in changes.items():
                mapping[name] = words.node(value)
        target = StringIO()
        yaml.dump(document, target)
    except Exception as error:  # the library raises what it likes on what it cannot represent
        raise Unreadable(f"the file cannot be edited: {type(error).__name__}") from error
    return words.replaced(target.getvalue()).replace("\n", newline)


def _settings(text: str) -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    if re.search(r"^ +- ", text, re.MULTILINE) and not re.search(r"^- ", text, re.MULTILINE):
        yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class _Words:
    """Plain words that occur nowhere else, each standing for a value."""

    def __init__(self) -> None:
        self._stem = f"v{secrets.token_hex(8)}x"
        self._values: list[Any] = []

    def node(self, value: Any) -> Any:
        if isinstance(value, str) and not is_inline(value):
            return LiteralScalarString(value)
        if isinstance(value, list | dict) and value and not is_inline(value):
            if isinstance(value, list):
                return [self._word(item) for item in value]
            return {self._word(name): self.node(item) for name, item in value.items()}
        return self._word(value)

    def _word(self, value: Any) -> PlainScalarString:
        self._values.append(value)  # plain of its own, or it would be given the style of the value it replaces
        word: PlainScalarString = PlainScalarString(f"{self._stem}{len(self._values) - 1}x")
        return word

    def replaced(self, text: str) -> str:
        return re.sub(rf"{self._stem}([0-9]+)x", lambda match: emit_inline(self._values[int(match[1])]), text)

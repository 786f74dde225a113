"""Schemas of files in bodies of JSON, which describe them and never bring their contents."""

from __future__ import annotations

from typing import TypeAlias

from holdall.files import FileCodec
from holdall.model import Field
from holdall.query import Value

__all__ = ["NO_FILE", "RENAMED_FILE", "Node", "is_file"]

Node: TypeAlias = dict[str, Value]
"""An object of the document."""

NO_FILE: Node = {
    "type": "null",
    "description": "a file is sent in a form (multipart/form-data), or put to its own path",
}
"""The schema of a file in the JSON of a new record."""

RENAMED_FILE: Node = {
    "anyOf": [
        {
            "type": "object",
            "description": "another name of the same content; what else is said of it must be as it is shown",
            "properties": {
                "name": {"type": "string", "maxLength": 255},
                "meta": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 1_000}},
            },
        },
        {"type": "null"},
    ]
}
"""The schema of a file in the JSON of a change."""


def is_file(field: Field) -> bool:
    """Whether a field holds a file."""
    return isinstance(field.options.codec, FileCodec)

"""Schemas of files in bodies of JSON, which describe them and never bring their contents."""

from __future__ import annotations

from typing import TypeAlias

from holdall.files import FileCodec
from holdall.model import Field
from holdall.query import Value
from holdall.session.file_fields import holds_several

__all__ = ["NO_FILE", "NO_FILES", "Node", "changed_file", "is_file", "new_file"]

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


NO_FILES: Node = {
    "type": "array",
    "maxItems": 0,
    "description": "files are sent in a form (multipart/form-data), or posted to the path of this field",
}
"""The schema of a list of files in the JSON of a new record."""

KEPT_FILES: Node = {
    "type": "array",
    "items": {
        "type": "object",
        "description": "one that is there, with what is shown of it; name and meta may be others",
        "required": ["sha256", "created"],
    },
    "description": "the files that stay, in this order; others go",
}
"""The schema of a list of files in the JSON of a change."""


def is_file(field: Field) -> bool:
    """Whether a field holds a file, or a list of files."""
    return isinstance(field.options.codec, FileCodec)


def new_file(field: Field) -> Node:
    """Return the schema of a field with files in the JSON of a new record."""
    return NO_FILES if holds_several(field) else NO_FILE


def changed_file(field: Field) -> Node:
    """Return the schema of a field with files in the JSON of a change."""
    return KEPT_FILES if holds_several(field) else RENAMED_FILE

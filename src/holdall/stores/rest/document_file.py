"""Files of OpenAPI documents, in JSON or YAML."""

from __future__ import annotations

from pathlib import Path

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Json

__all__ = ["read_document_file"]

_MOST_BYTES = 32 * 2**20


def read_document_file(path: Path) -> Json:
    """Read and parse the file. Raises DeclarationError for one that cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DeclarationError(f"{path} is larger than {_MOST_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from error
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            return _yaml(content)
        found: Json = msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"{path} is no JSON; a YAML file's name ends with .yaml") from error
    return found


def _yaml(content: bytes) -> Json:
    try:  # of the extra yaml, which only documents in YAML need
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise DeclarationError("reading OpenAPI in YAML needs more: pip install holdall[yaml]") from error
    try:
        found: Json = YAML(typ="safe", pure=True).load(content)
    except YAMLError as error:
        raise ValueError("no YAML") from error
    return found

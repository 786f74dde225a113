"""Values to YAML text: plain where no YAML reader of any age could take it for something else, otherwise quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from holdall.query import Key, Value

__all__ = ["block", "emit_inline", "emit_item", "emit_mapping", "entry_lines"]

_WORD = re.compile(r"[^\W\d_][\w ./@'()+;-]*(?<! )\Z")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_LONGEST_LIST = 80  # characters of a list or mapping kept on one line
_LONGEST_NAME = 1000  # characters of a name before its colon; readers need to take no more than 1,024


def emit_mapping(values: Mapping[str, Value], indent: str = "") -> str:
    """The mapping in block form, every line indented and ended."""
    return "".join(f"{line}\n" for name, value in values.items() for line in entry_lines(name, value, indent))


def emit_item(values: Mapping[str, Value], indent: str = "") -> str:
    """The mapping as an item of a list in block form, every line indented and ended."""
    return f"{indent}- {emit_mapping(values, indent + '  ')[len(indent) + 2 :]}"


def entry_lines(name: Key, value: object, indent: str) -> list[str]:
    """The lines of one entry of a mapping in block form, indented."""
    head, body = block(value, indent)
    written = emit_inline(name)
    if len(written) > _LONGEST_NAME:
        return [f"{indent}? {written}", f"{indent}: {head}".rstrip(" "), *body]
    return [f"{indent}{written}: {head}".rstrip(" "), *body]


def block(value: object, indent: str) -> tuple[str, list[str]]:
    """Return the text behind the mark of a value in block form, and the lines below, for an entry with this
    indentation.
    """
    if isinstance(value, str) and (mark := _literal_mark(value)):
        lines = value.removesuffix("\n").split("\n")
        return mark, [f"{indent}  {line}" if line else "" for line in lines]
    inline = emit_inline(value)
    if not isinstance(value, dict | list) or len(inline) <= _LONGEST_LIST:
        return inline, []
    if isinstance(value, list):
        return "", [f"{indent}  - {emit_inline(item)}" for item in value]
    return "", [line for name, inner in value.items() for line in entry_lines(name, inner, indent + "  ")]


def _literal_mark(text: str) -> str:
    """The mark of a literal block where a person would want one and nothing is lost; otherwise nothing."""
    body = text.removesuffix("\n")
    if "\n" not in body or not body.strip() or not body.replace("\n", "").isprintable():
        return ""
    lines = body.split("\n")
    if lines[0][:1] in ("", " ") or not lines[-1] or any(line and line[-1] == " " for line in lines):
        return ""
    return "|" if text != body else "|-"


def emit_inline(value: Value) -> str:
    """The value on one line, fit for any place."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_name(name)}: {emit_inline(item)}" for name, item in value.items()) + "}"
    return "[" + ", ".join(map(emit_inline, value)) + "]"


def _flow_name(name: Key) -> str:
    written = emit_inline(name)
    return written if len(written) <= _LONGEST_NAME else f"? {written}"


def _float(value: float) -> str:
    text = repr(float(value))
    return text if "." in text or "e" not in text else text.replace("e", ".0e", 1)


def _text(text: str) -> str:
    if _WORD.match(text) and text.lower() not in _RESERVED and text.isprintable():
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)

"""Values to YAML text: plain where no YAML reader of any age could take it for something else, otherwise quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["emit_inline", "emit_mapping", "is_inline"]

_WORD = re.compile(r"[^\W\d_][\w ./@'()+;-]*(?<! )\Z")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_LONGEST_LIST = 80  # characters of a list or mapping kept on one line


def emit_mapping(values: Mapping[str, Any], indent: str = "", newline: str = "\n") -> str:
    """The mapping in block form, every line indented and ended."""
    return "".join(_entry(name, value, indent, newline) for name, value in values.items())


def is_inline(value: Any) -> bool:
    """Whether ``emit_mapping`` writes the value on the line of its name."""
    if isinstance(value, str):
        return not _literal(value, "", "\n")
    return not isinstance(value, dict | list) or len(emit_inline(value)) <= _LONGEST_LIST


def _entry(name: str, value: Any, indent: str, newline: str) -> str:
    head = f"{indent}{_text(name)}:"
    if isinstance(value, str) and (block := _literal(value, indent + "  ", newline)):
        return f"{head} {block}"
    if isinstance(value, dict | list) and value and len(inline := emit_inline(value)) > _LONGEST_LIST:
        if isinstance(value, dict):
            return f"{head}{newline}{emit_mapping(value, indent + '  ', newline)}"
        lines = "".join(f"{indent}  - {emit_inline(item)}{newline}" for item in value)
        return f"{head}{newline}{lines}"
    inline = emit_inline(value)
    return f"{head} {inline}{newline}"


def _literal(text: str, indent: str, newline: str) -> str:
    """The text as a literal block where a person would want one and nothing is lost; otherwise nothing."""
    body = text.removesuffix("\n")
    if "\n" not in body or not body.strip() or not body.replace("\n", "").isprintable():
        return ""
    lines = body.split("\n")
    if lines[0][:1] in ("", " ") or not lines[-1] or any(line and line[-1] == " " for line in lines):
        return ""
    mark = "|" if text != body else "|-"
    return mark + newline + "".join(f"{indent if line else ''}{line}{newline}" for line in lines)


def emit_inline(value: Any) -> str:
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
        return "{" + ", ".join(f"{_text(name)}: {emit_inline(item)}" for name, item in value.items()) + "}"
    return "[" + ", ".join(map(emit_inline, value)) + "]"


def _float(value: float) -> str:
    text = repr(float(value))
    return text if "." in text or "e" not in text else text.replace("e", ".0e", 1)


def _text(text: str) -> str:
    if _WORD.match(text) and text.lower() not in _RESERVED and text.isprintable():
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)

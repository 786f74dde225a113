"""Effects of triggers on rows that are written, as far as their text shows: values changed, rows dropped."""

from __future__ import annotations

import re
from collections.abc import Collection

from holdall.stores.sql.inspection import FoundTrigger

__all__ = ["effect_of"]

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"[\"`\[]?([\w$]+)[\"`\]]?"
_STARTS = r"(?:^|;|,|\b(?:begin|then|else|loop|set))\s*"
_ASSIGNED = re.compile(rf"{_STARTS}new\s*\.\s*{_NAME}\s*:?=|\binto\b[^;]*?\bnew\s*\.\s*{_NAME}", re.IGNORECASE)
_REPLACED = re.compile(rf"{_STARTS}new\s*:?=|\binto\s+(?:strict\s+)?new\b(?!\s*\.)|\breturn\s+(?!new\b)", re.IGNORECASE)
_IGNORED = re.compile(r"\braise\s*\(\s*ignore\b", re.IGNORECASE)
_WRITES = r"\b(?:update(?:\s+or\s+\w+)?(?:\s+only)?|replace\s+into|insert\s+or\s+replace\s+into|delete\s+from)\s+"


def effect_of(trigger: FoundTrigger, table: str, columns: Collection[str]) -> str | None:
    """Return the possible effect of the trigger on these columns of the table, to follow its name in a sentence; None
    if there is none.
    """
    if trigger.text is None:
        return "may change or drop what is written" if trigger.is_before else None
    text = _COMMENTS.sub(" ", trigger.text)
    if trigger.is_before:
        names = {name.casefold() for pair in _ASSIGNED.findall(text) for name in pair if name}
        changed = [column for column in columns if column.casefold() in names]
        if changed:
            return f"changes what is written to {', '.join(changed)}"
        if _REPLACED.search(text):
            return "may change or drop what is written"
    if _IGNORED.search(text):
        return "may drop what is written"
    own = rf"{_WRITES}(?:{_NAME}\s*\.\s*)?[\"`\[]?{re.escape(table)}[\"`\]]?(?![\w$])"
    return "writes to the same table" if re.search(own, text, re.IGNORECASE) else None

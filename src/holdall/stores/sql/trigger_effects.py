"""Effects of triggers on rows that are written, as far as their text shows: values changed, rows dropped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from holdall.stores.sql.inspection import FoundTable, FoundTrigger

__all__ = ["assigned_by", "effect_of", "set_by"]

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"[\"`\[]?([\w$]+)[\"`\]]?"
_STARTS = r"(?:^|;|,|\b(?:begin|then|else|loop|set))\s*"
_ASSIGNED = re.compile(rf"{_STARTS}new\s*\.\s*{_NAME}\s*:?=|\binto\b[^;]*?\bnew\s*\.\s*{_NAME}", re.IGNORECASE)
_REPLACED = re.compile(rf"{_STARTS}new\s*:?=|\binto\s+(?:strict\s+)?new\b(?!\s*\.)|\breturn\s+(?!new\b)", re.IGNORECASE)
_IGNORED = re.compile(r"\braise\s*\(\s*ignore\b", re.IGNORECASE)
_WRITES = r"\b(?:update(?:\s+or\s+\w+)?(?:\s+only)?|replace\s+into|insert\s+or\s+replace\s+into|delete\s+from)\s+"


_INSERTS = rf"(?:{_WRITES}|\binsert(?:\s+or\s+\w+)?\s+into\s+)"
_EXECUTED = re.compile(r"\bexecute\b([^;]*)", re.IGNORECASE)
_CHANGES = re.compile(r"\b(update|delete|merge|truncate)\b", re.IGNORECASE)


def effect_of(
    trigger: FoundTrigger, table: str, columns: Collection[str], found: Mapping[str, FoundTable]
) -> str | None:
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
    if _writes_to(table, _without_harmless(table, text, columns), _WRITES):
        return "writes to the same table"
    called = _COMMENTS.sub(" ", trigger.called)
    if _writes_to(table, called, _WRITES):
        return "calls a function that writes to the same table"
    if any("'" not in each or _CHANGES.search(each) for each in _EXECUTED.findall(f"{text};{called}")):
        return "executes statements that it makes itself, which may write to the same table"
    return _effect_by_others(f"{text};{called}", table, found, {table})


def assigned_by(triggers: Iterable[FoundTrigger], columns: Collection[str]) -> set[str]:
    """Those of these columns that triggers give a value before a row is written."""
    texts = [_COMMENTS.sub(" ", trigger.text) for trigger in triggers if trigger.is_before and trigger.text is not None]
    names = {name.casefold() for text in texts for pair in _ASSIGNED.findall(text) for name in pair if name}
    return {column for column in columns if column.casefold() in names}


def set_by(triggers: Iterable[FoundTrigger], table: str, columns: Collection[str]) -> set[str]:
    """Those of these columns that triggers set, before or after a row is written."""
    found = assigned_by(triggers, columns)
    for trigger in triggers:
        for update in re.finditer(_updates_of(table), _COMMENTS.sub(" ", trigger.text or ""), re.IGNORECASE):
            found |= {column for column in columns if column.casefold() in _assigned_in(update)}
    return found


def _writes_to(table: str, text: str, writes: str) -> bool:
    named = rf"{writes}(?:{_NAME}\s*\.\s*)?[\"`\[]?{re.escape(table)}[\"`\]]?(?![\w$])"
    return re.search(named, text, re.IGNORECASE) is not None


def _without_harmless(table: str, text: str, columns: Collection[str]) -> str:
    """The text without updates of the table that set none of these columns."""
    own = {column.casefold() for column in columns}

    def kept(found: re.Match[str]) -> str:
        return found[0] if _assigned_in(found) & own else " "

    return re.sub(_updates_of(table), kept, text, flags=re.IGNORECASE)


def _updates_of(table: str) -> str:
    return rf"\bupdate\s+(?:only\s+)?(?:{_NAME}\s*\.\s*)?[\"`\[]?{re.escape(table)}[\"`\]]?\s+set\s+([^;]*)"


def _assigned_in(update: re.Match[str]) -> set[str]:
    """The columns that an update assigns, in lower case."""
    assignments = re.split(r"\bwhere\b", update[2], flags=re.IGNORECASE)[0]
    return {name.casefold() for name in re.findall(rf"{_NAME}\s*=(?!=)", assignments)}


def _effect_by_others(text: str, table: str, found: Mapping[str, FoundTable], seen: set[str]) -> str | None:
    """The effect of triggers of other tables that this text writes to."""
    for name, other in found.items():
        if name in seen or not other.triggers or not _writes_to(other.name, text, _INSERTS):
            continue
        seen.add(name)
        for trigger in other.triggers:
            body = _COMMENTS.sub(" ", f"{trigger.text or ''};{trigger.called}")
            if _writes_to(table, body, _WRITES) or _effect_by_others(body, table, found, seen):
                return f"writes to {name}, whose trigger {trigger.name} leads back to the same table"
    return None

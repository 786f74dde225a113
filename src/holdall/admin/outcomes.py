"""Results of actions, made ready for a page: a row for each record, or the text of anything else."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from holdall.admin.described import Described
from holdall.admin.inner import Answer
from holdall.admin.visit import Visit

__all__ = ["Outcome", "outcome_of"]

_MOST = 200  # rows of a page


class Outcome(msgspec.Struct, frozen=True):
    """The result of an action: how many records it was done on, a row for each of some of them, or a text.

    >>> Outcome(affected=2).text
    ''
    """

    affected: int | None = None
    rows: tuple[tuple[str, str, str], ...] = ()
    is_cut: bool = False
    text: str = ""


def outcome_of(visit: Visit, described: Described, answer: Answer) -> Outcome:
    """The result in an answer of the service. Example: ``docs/back-office.md``."""
    if not answer.is_good or not answer.body or "json" not in answer.headers.get("content-type", ""):
        return Outcome()
    told = answer.json
    if isinstance(told, dict) and set(told) == {"affected", "results"} and isinstance(told["results"], list):
        results = [each for each in told["results"] if isinstance(each, dict) and set(each) == {"key", "result"}]
        if len(results) == len(told["results"]):
            rows = [
                (each["key"], visit.url("data", quote(described.collection), each["key"]), _text(each["result"]))
                for each in results[:_MOST]
            ]
            is_plain = all(text == "null" for _, _, text in rows)
            return Outcome(told["affected"], () if is_plain else tuple(rows), len(results) > _MOST)
    text = msgspec.json.format(answer.body, indent=2).decode()
    return Outcome(text="" if text == "null" else text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

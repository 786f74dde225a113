"""Requests of the suite, the answers to them, and in which respects two answers are the same."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from holdall.query import Op, Value
from holdall.store import Feature
from holdall.testing.client import Answer, Client

__all__ = ["Scenario", "Step", "differences", "is_refused", "play"]

_COMPARED = ("content-type", "etag", "location", "allow", "accept-patch", "accept-post", "content-disposition")
_REFUSED = "urn:holdall:unsupported"
_PLAN = "application/vnd.holdall.plan+json"
_DECIMAL = re.compile(r"-?\d+\.\d+")


class Step(msgspec.Struct, frozen=True):
    """A request, and the status of its answer where the store can do it. Example: :class:`WebConformance`."""

    method: str
    url: str
    status: int
    body: Value = None
    headers: dict[str, str] = {}


class Scenario(msgspec.Struct, frozen=True):
    """Requests, one after the other, on the records of ``filled``.

    A store may refuse one of them, by name, if it lacks any of the abilities in ``needs``; or, with ``is_atomic``, if
    it writes each record by itself. Example: :class:`WebConformance`.
    """

    name: str
    steps: tuple[Step, ...]
    needs: tuple[Feature | Op, ...] = ()
    is_writing: bool = False
    is_atomic: bool = False


async def play(client: Client, scenario: Scenario) -> list[Answer]:
    """Return the answers to the steps of a scenario, up to the first that a store refuses.

    Example: :class:`WebConformance`.
    """
    answers = []
    for step in scenario.steps:
        if isinstance(step.body, bytes):
            answer = await client.request(step.method, step.url, body=step.body, headers=step.headers)
        else:
            answer = await client.request(step.method, step.url, json=step.body, headers=step.headers)
        answers.append(answer)
        if scenario.is_writing and is_refused(answer):
            break
    return answers


def is_refused(answer: Answer) -> bool:
    """Whether a store said that it cannot do this. Example: :class:`WebConformance`."""
    kind = answer.headers.get("content-type", "")
    return kind == "application/problem+json" and answer.json()["type"] == _REFUSED


def differences(expected: Answer, found: Answer) -> list[str]:
    """The respects in which two answers differ, in words; decimals of one value are the same.

    >>> price = Answer(200, {"content-type": "application/json"}, b'{"price":"1.50"}')
    >>> differences(price, Answer(200, {"content-type": "application/json"}, b'{"price":"1.5"}'))
    []
    >>> differences(price, Answer(200, price.headers | {"etag": '"1"'}, price.body))
    ['etag "1", not None']
    """
    told = [] if expected.status == found.status else [f"status {found.status}, not {expected.status}: {found.body!r}"]
    if _content(expected) != _content(found):
        told.append(f"body {found.body!r}, not {expected.body!r}")
    for name in _COMPARED:
        if name == "etag" and not told and expected.body != found.body:
            continue  # the tag of other text with the same values
        one, other = expected.headers.get(name), found.headers.get(name)
        if one != other:
            told.append(f"{name} {other}, not {one}")
    return told


def _content(answer: Answer) -> Value:
    if answer.headers.get("content-type") == _PLAN:
        return answer.json()["plan"]  # the guarantee is that of the store
    is_json = answer.headers.get("content-type", "").endswith("json") and answer.body
    return _plain(answer.json()) if is_json and b"\n" not in answer.body else answer.body


def _plain(value: Value) -> Value:
    """A value of JSON in which texts of decimals are numbers."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value

"""The text of a query string: bounded, decoded strictly, split into names and values in the order given."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus

from holdall.errors import FieldError
from holdall.web.problem import Problem

__all__ = ["MAX_PARAMETERS", "demand_none", "not_understood", "parameters_of", "unknown_parameter"]

MAX_PARAMETERS = 100


def parameters_of(query_string: bytes) -> list[tuple[str, str]]:
    """The parameters; raises Problem for text that is not UTF-8 or for too many of them."""
    if query_string.count(b"&") >= MAX_PARAMETERS:
        raise Problem(422, "limit", f"More than {MAX_PARAMETERS} parameters.")
    try:
        text = query_string.decode()
        pairs = [pair.partition("=") for pair in text.split("&") if pair]
        return [(_plain(name), _plain(value)) for name, _, value in pairs]
    except UnicodeDecodeError:
        raise Problem(400, "text", "The query string is not UTF-8 text.") from None


def demand_none(query_string: bytes) -> None:
    """Raise Problem where a request that has no parameters is given some."""
    if query_string and (given := parameters_of(query_string)):
        raise not_understood([unknown_parameter(name) for name, _ in given])


def unknown_parameter(name: str) -> FieldError:
    """A parameter that means nothing here."""
    return FieldError(name, "unknown", "is not a parameter here")


def not_understood(errors: Sequence[FieldError]) -> Problem:
    """The answer to parameters that mean nothing, each of them named."""
    return Problem(422, "query", "Parameters cannot be understood; each is listed.", errors)


def _plain(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text

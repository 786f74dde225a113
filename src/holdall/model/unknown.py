"""Suggestions for options that fields or models do not have, for those who come from other libraries."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.query import did_you_mean

__all__ = ["unknown_field_option", "unknown_model_option"]

_NAMED_ELSEWHERE = {
    "primary_key": "pk",
    "autoincrement": "generated",
    "auto_increment": "generated",
    "regex": "pattern",
    "max_length": "length=(0, most)",
    "min_length": "length=(least, None)",
    "min_value": "ge",
    "max_value": "le",
    "choices": "one_of",
    "decimal_places": "places",
    "max_digits": "digits",
    "auto_now_add": 'auto_now="create"',
    "help_text": "description",
    "doc": "description",
}


def unknown_field_option(name: str, known: Iterable[str]) -> str:
    """The sentence about an option that ``field`` does not take.

    >>> unknown_field_option("primary_key", ["pk"])
    "field() takes no 'primary_key'; write pk"
    """
    if name in ("null", "nullable", "blank", "required", "optional"):
        return f"field() takes no {name!r}: a field that may be empty is annotated with | None"
    if name in _NAMED_ELSEWHERE:
        return f"field() takes no {name!r}; write {_NAMED_ELSEWHERE[name]}"
    return f"field() takes no {name!r}{did_you_mean(name, sorted(known))}"


def unknown_model_option(model: str, name: str) -> str:
    """The sentence about an option that a model does not take in its class statement."""
    if name in ("table", "tablename", "table_name", "name"):
        return f"{model}: a model takes no {name!r}; where its records are kept is named by collection="
    return f"{model}: a model takes no {name!r}{did_you_mean(name, ['abstract', 'collection', 'unique'])}"

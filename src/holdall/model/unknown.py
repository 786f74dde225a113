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
    "db_column": "column",
    "name": "column",
    "db_default": "server_default=True",
    "server_onupdate": "server_computed=True",
    "computed": "server_computed=True, or @computed of a method",
}


_MODEL_OPTIONS = ("abstract", "collection", "read_only", "schema", "search", "table", "unique")


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
    if name in ("view", "readonly", "managed", "keyless"):
        return (
            f"{model}: a model takes no {name!r}; write read_only=True for what is never written, a view for instance"
        )
    if name in ("tablename", "table_name", "db_table", "name"):
        return f"{model}: a model takes no {name!r}; write table=, or collection= for its name in queries and URLs, too"
    return f"{model}: a model takes no {name!r}{did_you_mean(name, _MODEL_OPTIONS)}"

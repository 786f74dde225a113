"""Whole representations: what a PUT gives for a record, with defaults for what it leaves out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from holdall.errors import FieldError, FieldErrors, ValidationError
from holdall.model import Declaration, Field, Frozen, JsonInput, decode_compared
from holdall.query import Json, Value
from holdall.web.json_patch import same_json
from holdall.web.problem import Problem

__all__ = ["Replacement"]


class Replacement:
    """The members of one body that replaces a record. Raises Problem (400) where it is no JSON, ValidationError where
    it is no object.

    >>> from holdall import Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     pages: int = 0
    >>> given = Replacement(Book.__holdall__, b'{"title": "Emma"}', {"id": 1})
    >>> given.members
    {'title': 'Emma', 'id': 1}
    >>> given.values({"id": 1, "title": "Persuasion", "pages": 249})
    {'title': 'Emma', 'pages': 0}
    """

    def __init__(
        self,
        declaration: Declaration,
        body: bytes,
        key: Mapping[str, Json],
        taken: JsonInput | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        self._declaration = declaration
        self._taken = taken or declaration.json_input
        self._hidden = hidden
        self._model = declaration.model.__name__
        try:
            members = msgspec.json.decode(body)
        except RecursionError:
            raise Problem(400, "json", "The body is nested too deep.") from None
        except (msgspec.DecodeError, UnicodeError):
            raise Problem(400, "json", "The body is not JSON.") from None
        if not isinstance(members, dict):
            raise ValidationError(self._model, [FieldError("", "type", "must be a JSON object")])
        self.members: dict[str, Json] = members
        self._accepted = self._taken.names
        for name, part in key.items():
            if name in self._accepted:
                members.setdefault(name, part)

    def demand_key(self, key: Mapping[str, Json]) -> None:
        """Raise ValidationError where the body names another record than the path does."""
        message = "must be the part of the key that the path has"
        by_name = self._declaration.by_name
        errors = [
            FieldError(name, "key", message)
            for name, part in key.items()
            if name in self.members and not _is_same(by_name[name], self.members[name], part)
        ]
        if errors:
            raise ValidationError(self._model, errors)

    def demand_valid(self) -> None:
        """Raise ValidationError for what is wrong with the body whatever record it is for."""
        output = self._declaration.json_output
        judged_later = {
            name: value
            for name, value in self.members.items()
            if name in output.names and name not in self._hidden
            if name not in self._accepted or output.shows_otherwise(name)
        }
        self.values(judged_later, self._accepted)

    def values(self, shown: Mapping[str, Json], kept: Collection[str] = ()) -> dict[str, Value]:
        """The values that a record, of which this is shown, is to be given.

        Fields that the body leaves out get their defaults, but for those that nobody can change and those that are
        ``kept``. Values that clients cannot give must be as they are shown. Raises ValidationError with all mistakes.
        """
        errors = FieldErrors(self._model)
        changed: dict[str, Any] = {}
        for name, value in self.members.items():
            if name in shown and same_json(value, shown[name]):
                continue
            if name in shown and name not in self._accepted:
                errors.append(FieldError(name, "read_only", "is not given by clients: leave it out, or as it is shown"))
            else:
                changed[name] = value
        defaults: dict[str, Value] = {}
        keys = {field.name for field in self._declaration.key}
        for name in self._accepted:
            field = self._declaration.by_name[name]
            if name in self.members or name in keys or _stays(field):
                continue
            if field.has_default:
                if name not in kept:
                    defaults[name] = field.default()
            else:
                errors.append(FieldError(name, "required", "is required"))
        try:
            values = self._taken.values_from(changed)
        except ValidationError as error:
            errors.extend(error.errors)
            values = {}
        if errors:
            raise ValidationError(self._model, errors)
        return values | defaults


def _stays(field: Field) -> bool:
    """Whether a field that is left out stays as it is: nobody may change it, or its store gives it a value."""
    return bool(field.frozen & Frozen.UPDATE) or field.may_be_unset


def _is_same(field: Field, given: Json, part: Json) -> bool:
    try:
        return bool(decode_compared(field, given) == decode_compared(field, part))
    except ValidationError:
        return False

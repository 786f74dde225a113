"""Forms: the fields that a user may give, filled with values, read back, with all that is wrong beside its field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from starlette.datastructures import FormData, UploadFile

from holdall.admin.described import Described, FieldInfo
from holdall.admin.inner import Answer
from holdall.admin.kinds import Kind
from holdall.admin.widgets import Inputs, Misread, inputs_of, read_value, rows_of, under
from holdall.admin.words import Words
from holdall.errors import FieldError
from holdall.query import Value

__all__ = [
    "Filled",
    "Group",
    "Typed",
    "fields_for",
    "filled",
    "groups_of",
    "placed",
    "reachable",
    "read_changes",
    "refused_errors",
    "same_value",
    "typed",
]

_MARK = "f."
_THERE = "(form)"
"""The end of the name by which a form says that it had a field; boxes that are not ticked are not sent."""


class Typed(msgspec.Struct):
    """A form that was sent: the texts of inputs, files, and what the page itself had put in.

    Example: :func:`typed`.
    """

    inputs: Inputs
    files: dict[str, UploadFile]
    removed: set[str]
    own: dict[str, str]


class Filled(msgspec.Struct):
    """The texts that a form shows, and what is wrong with them, by place; "" is the form as a whole.

    Example: :func:`filled`.
    """

    inputs: Inputs
    errors: dict[str, list[str]] = {}

    def texts(self, name: str) -> list[str]:
        """The texts of an input."""
        return self.inputs.get(_MARK + name, [])

    def text(self, name: str) -> str:
        """The text of an input."""
        found = self.texts(name)
        return found[-1] if found else ""

    def rows(self, name: str) -> list[int]:
        """The numbers of the objects of a list, and that of one more."""
        found = rows_of(self.inputs, _MARK + name)
        return [*found, found[-1] + 1 if found else 0]

    def wrong(self, name: str) -> list[str]:
        """All that is wrong with a field or with a part of it."""
        inner = [
            f"{place[len(name) + 1 :]}: {message}"
            for place, messages in self.errors.items()
            for message in messages
            if place.startswith(f"{name}.")
        ]
        return [*self.errors.get(name, []), *inner]


class Group(msgspec.Struct, frozen=True):
    """Fields under one heading. Example: :func:`groups_of`."""

    title: str
    fields: list[FieldInfo]


def fields_for(described: Described, right: str) -> list[FieldInfo]:
    """The fields that a form of the right, "create" or "update", takes."""
    return [each for each in described.fields if (each.create if right == "create" else each.update)]


def groups_of(described: Described, fields: Iterable[FieldInfo]) -> list[Group]:
    """Fields under the headings that the view has, and the others before them."""
    remaining = {each.name: each for each in fields}
    named = [
        Group(title, [remaining.pop(name) for name in names if name in remaining])
        for title, names in described.view.groups.items()
    ]
    found = [Group("", list(remaining.values())), *named]
    return [each for each in found if each.fields]


def reachable(field: FieldInfo, value: Value) -> FieldInfo:
    """A field whose choices are the value that it has and those that its transitions lead to, if it has any."""
    if not field.moves or field.kind is not Kind.CHOICE:
        return field
    onward: list[Value] = next((each["to"] for each in field.moves if each["from"] == value), [])
    choices = tuple(each for each in field.shape.choices if each == value or each in onward)
    return msgspec.structs.replace(field, shape=msgspec.structs.replace(field.shape, choices=choices))


def typed(form: FormData) -> Typed:
    """Part a form that was sent.

    >>> typed(FormData([("f.title", "Emma"), ("_tag", "7")])).inputs
    {'f.title': ['Emma']}
    """
    found = Typed({}, {}, set(), {})
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name.startswith(_MARK) and value.filename:
                found.files[name.removeprefix(_MARK)] = value
        elif name.startswith(_MARK):
            field = name.removeprefix(_MARK)
            if field.endswith("(remove)"):
                found.removed.add(field.removesuffix("(remove)"))
            else:
                found.inputs.setdefault(name, []).append(value.replace("\r\n", "\n"))
        else:
            found.own[name] = value
    return found


def filled(fields: Iterable[FieldInfo], values: Mapping[str, Value], words: Words) -> Filled:
    """The form of these fields, with the values that they have. Example: ``docs/back-office.md``."""
    found: Inputs = {}
    for each in fields:
        name = _MARK + each.name
        found |= {name + _THERE: ["1"]} | inputs_of(each.shape, name, values.get(each.name), words.zone_info)
    return Filled(found)


def read_changes(
    fields: Iterable[FieldInfo], sent: Typed, before: Mapping[str, Value], words: Words, *, is_new: bool
) -> tuple[dict[str, Value], list[FieldError]]:
    """The values of fields whose inputs do not say what they were filled with, and what cannot be read.

    A field that the form did not have, as its user could not give it then, is left alone.
    """
    found, errors = dict[str, Value](), list[FieldError]()
    for field in fields:
        name = _MARK + field.name
        if field.kind is Kind.FILE:
            if field.name in sent.removed and field.name not in sent.files:
                found[field.name] = None
            continue
        given = under(sent.inputs, name)
        if given.pop(name + _THERE, None) is None:
            continue
        usual = inputs_of(field.shape, name, before.get(field.name), words.zone_info)
        is_same = {key: value for key, value in given.items() if value != [""]} == {
            key: value for key, value in usual.items() if value != [""]
        }
        if is_same and not (is_new and field.required and given):
            continue
        if field.kind is Kind.SECRET and not any(text for texts in given.values() for text in texts):
            continue
        try:
            value = read_value(field.shape, name, given, field.name)
        except Misread as misread:
            is_blank = not any(text.strip() for texts in given.values() for text in texts)
            errors += [FieldError(field.name, "required", "is required")] if is_blank else misread.errors
            continue
        if is_new or not same_value(value, before.get(field.name)):
            found[field.name] = value
    return found, errors


def same_value(one: Value, other: Value) -> bool:
    """Whether two values are the same as JSON; True is not 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def placed(errors: Sequence[FieldError], fields: Iterable[FieldInfo], words: Words) -> dict[str, list[str]]:
    """Errors by the names of the fields; under "" those that belong to none of them."""
    known, found = {each.name for each in fields}, dict[str, list[str]]()
    for error in errors:
        name = error.path.partition(".")[0]
        place = error.path if name in known else ""
        message = words(error.message)
        found.setdefault(place, []).append(message if place or not error.path else f"{error.path} {message}")
    return found


def refused_errors(answer: Answer, fields: Iterable[FieldInfo], words: Words) -> dict[str, list[str]]:
    """The errors that the service told, by the names of the fields."""
    problem = answer.json
    told = [FieldError(each["path"], each["code"], each["message"]) for each in problem.get("errors", [])]
    found = placed(told, fields, words)
    if not told or answer.status != 422:
        found.setdefault("", []).insert(0, words(str(problem.get("detail", ""))))
    return found

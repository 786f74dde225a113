"""Results of actions: their types, as the annotations of ``run`` say them, and values held against these."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from typing import TypeVar, Union, get_args, get_origin

import msgspec

from holdall.actions.content import Content
from holdall.errors import DeclarationError, StateError
from holdall.model import Model, Names
from holdall.query import Value

__all__ = ["Result"]


class Result(msgspec.Struct, frozen=True):
    """The type of what an action gives. Example: :class:`DeclaredAction`.

    ``model`` where it is a record, in a list of them if ``is_many``, or None if ``is_optional``. ``annotation`` is the
    type of any other; ``Value`` where nothing is said.
    """

    annotation: Value = Value
    model: Value = None
    is_many: bool = False
    is_optional: bool = False

    @property
    def is_content(self) -> bool:
        """Whether it is a file."""
        return self.annotation is Content

    @property
    def is_told(self) -> bool:
        """Whether the method says what it gives."""
        return self.annotation is not Value

    @classmethod
    def of(cls, name: str, run: Callable[..., Value], names: Names, about: Value) -> Result:
        """The result that a method promises, a type parameter of it being the model that the action is ``about``.

        Raises DeclarationError for one that no JSON can tell.
        """
        given = getattr(run, "__annotations__", {}).get("return", Value)
        if isinstance(given, str):
            try:
                given = eval(given, names.now())  # noqa: S307 - the program's own annotation
            except NameError as error:
                raise DeclarationError(f"{name}.run: {error.name!r} in the type of its result is not known") from None
        return cls._read(name, about if isinstance(given, TypeVar) else given)

    @classmethod
    def _read(cls, name: str, given: Value) -> Result:
        inner, is_optional = _without_none(given)
        if isinstance(inner, type) and issubclass(inner, Model):
            return cls(given, inner, is_optional=is_optional)
        origin: object = get_origin(inner)
        if origin is list and not is_optional:
            (item,) = get_args(inner)
            if isinstance(item, type) and issubclass(item, Model):
                return cls(given, item, is_many=True)
        if inner is Value or inner is object:
            return cls()
        if inner is Content:
            return cls(given)
        try:
            info = msgspec.inspect.type_info(given)
            msgspec.json.schema(given)
        except TypeError as error:
            raise DeclarationError(
                f"{name}.run: its result cannot be told in JSON, {str(error).splitlines()[-1]}: give records, or"
                " what is made of plain values, such as keys in the place of references"
            ) from None
        if _has_records(info, set()):
            raise DeclarationError(f"{name}.run: a result has records as Book, Book | None or list[Book], not within")
        return cls(given)

    def demand(self, name: str, value: Value) -> None:
        """Raise StateError for a value not of this type, or that JSON cannot tell, so that nothing is written."""
        if value is None and (self.is_optional or self.annotation is None):
            return
        if self.model is not None:
            items = value if self.is_many and isinstance(value, list) else [value]
            is_right = isinstance(value, list) or not self.is_many
            if is_right and all(isinstance(item, self.model) for item in items):
                return
        elif self.is_content and isinstance(value, Content):
            return
        elif not self.is_told or self._fits(value):
            _demand_json(name, value)
            return
        raise StateError(f"{name}.run gave a {type(value).__name__}, and its annotation says {_told(self.annotation)}")

    def _fits(self, value: Value) -> bool:
        if isinstance(self.annotation, type) and type(value) is self.annotation:
            return True
        try:
            msgspec.convert(msgspec.to_builtins(value, builtin_types=_BUILTIN), self.annotation)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
            return False
        return True


_BUILTIN = (bytes, bytearray)


def _demand_json(name: str, value: Value) -> None:
    """Raise StateError for what cannot be told in JSON; records, which a method may give unsaid, can."""
    try:
        msgspec.json.encode(value, enc_hook=_record)  # which refuses texts that are none
        json.dumps(msgspec.to_builtins(value, str_keys=True, enc_hook=_record), allow_nan=False)
        is_told = True
    except (TypeError, ValueError, RecursionError):
        is_told = False
    if not is_told:
        raise StateError(f"{name}.run gave a {type(value).__name__} that JSON cannot tell")


def _record(value: object) -> None:
    if not isinstance(value, Model):
        raise TypeError(type(value).__name__)


def _without_none(given: Value) -> tuple[Value, bool]:
    origin: object = get_origin(given)
    if origin in (Union, types.UnionType):
        args = [each for each in get_args(given) if each is not types.NoneType]
        if len(args) == 1 and len(get_args(given)) == 2:
            return args[0], True
    return given, False


def _has_records(info: object, seen: set[int]) -> bool:
    """Whether records stand somewhere in a type, as msgspec describes it."""
    if id(info) in seen:
        return False
    seen.add(id(info))
    if isinstance(info, list | tuple):
        return any(_has_records(each, seen) for each in info)
    if not isinstance(info, msgspec.Struct):
        return False
    kind = getattr(info, "cls", None)
    if isinstance(kind, type) and issubclass(kind, Model):
        return True
    return any(_has_records(getattr(info, name), seen) for name in info.__struct_fields__)


def _told(annotation: Value) -> str:
    return getattr(annotation, "__name__", None) or str(annotation)

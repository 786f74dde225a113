"""Rules on single values: bounds, lengths, patterns and choices, given to ``field(...)`` or in ``Annotated``."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Protocol

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Json, Value

__all__ = ["Digits", "Ge", "Gt", "Le", "Length", "Lt", "OneOf", "Pattern", "Rule"]


class Rule(Protocol):
    """A rule on a value that already has the right type and is not None."""

    @property
    def code(self) -> str:
        """The code of a breach, such as ``ge`` or ``length``."""
        ...

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        ...

    def describe(self) -> str:
        """The rule as the end of a sentence: ``must …``."""
        ...

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        ...


class Ge(msgspec.Struct, frozen=True):
    """At least ``bound``.

    >>> Ge(0).holds(-1), Ge(0).describe()
    (False, 'must be at least 0')
    """

    bound: Value
    code = "ge"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return bool(value >= self.bound)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must be at least {self.bound}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"minimum": self.bound}


class Gt(msgspec.Struct, frozen=True):
    """More than ``bound``.

    >>> Gt(0).holds(0), Gt(0).describe()
    (False, 'must be more than 0')
    """

    bound: Value
    code = "gt"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return bool(value > self.bound)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must be more than {self.bound}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"exclusiveMinimum": self.bound}


class Le(msgspec.Struct, frozen=True):
    """At most ``bound``.

    >>> Le(10).holds(11), Le(10).describe()
    (False, 'must be at most 10')
    """

    bound: Value
    code = "le"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return bool(value <= self.bound)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must be at most {self.bound}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"maximum": self.bound}


class Lt(msgspec.Struct, frozen=True):
    """Less than ``bound``.

    >>> Lt(10).holds(10), Lt(10).describe()
    (False, 'must be less than 10')
    """

    bound: Value
    code = "lt"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return bool(value < self.bound)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must be less than {self.bound}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"exclusiveMaximum": self.bound}


class Length(msgspec.Struct, frozen=True):
    """Between ``minimum`` and ``maximum`` characters, bytes or items.

    >>> Length(1, 3).holds("four"), Length(1, 3).describe()
    (False, 'must have a length between 1 and 3')
    """

    minimum: int = 0
    maximum: int | None = None
    code = "length"

    def holds(self, value: Value) -> bool:
        """Whether the value keeps the rule."""
        return self.minimum <= len(value) and (self.maximum is None or len(value) <= self.maximum)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        if self.maximum is None:
            return f"must have a length of at least {self.minimum}"
        return f"must have a length between {self.minimum} and {self.maximum}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        least: dict[str, Json] = {"minLength": self.minimum}
        return least if self.maximum is None else least | {"maxLength": self.maximum}


class Pattern(msgspec.Struct, frozen=True):
    """Text that the regular expression matches as a whole.

    >>> Pattern("[A-Z]{2}").holds("FR"), Pattern("[A-Z]{2}").holds("FRA")
    (True, False)
    """

    expression: str
    code = "pattern"

    def __post_init__(self) -> None:
        try:
            re.compile(self.expression)
        except re.error as error:
            raise DeclarationError(f"the pattern {self.expression!r} is not a regular expression: {error}") from error

    def holds(self, value: Value) -> bool:
        """Whether the value keeps the rule."""
        return re.fullmatch(self.expression, value) is not None

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must match {self.expression}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"pattern": f"^(?:{self.expression})$"}


class Digits(msgspec.Struct, frozen=True):
    """A Decimal with at most ``digits`` digits, at most ``places`` of them after the point, zeros at its end left out.

    With both, ``digits - places`` digits may stand before the point, as in SQL's NUMERIC(digits, places).

    >>> from decimal import Decimal
    >>> Digits(digits=4, places=2).holds(Decimal("12.34")), Digits(digits=4, places=2).holds(Decimal("123.4"))
    (True, False)
    """

    digits: int | None = None
    places: int | None = None
    code = "digits"

    def __post_init__(self) -> None:
        if self.digits is not None and (self.digits < 1 or (self.places or 0) > self.digits):
            raise DeclarationError("digits must be at least 1 and at least places")
        if self.places is not None and self.places < 0:
            raise DeclarationError("places cannot be negative")

    def holds(self, value: Value) -> bool:
        """Whether the value keeps the rule."""
        _, digits, exponent = value.as_tuple()
        text = "".join(map(str, digits)).lstrip("0")
        fraction = text[exponent:].rjust(-exponent, "0").rstrip("0") if exponent < 0 else ""
        whole = (len(text) + exponent) if text else 0
        if self.places is not None and len(fraction) > self.places:
            return False
        return (
            self.digits is None
            or max(whole, 0) + len(fraction if self.places is None else "0" * self.places) <= self.digits
        )

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        parts = [f"{self.digits} digits"] if self.digits is not None else []
        if self.places is not None:
            parts.append(f"{self.places} digits after the point")
        return "must have at most " + " and ".join(parts)

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words, which has none for it: a Decimal is text there."""
        return {}


class OneOf(msgspec.Struct, frozen=True):
    """One of these values.

    >>> OneOf(("red", "blue")).holds("green")
    False
    """

    choices: tuple[Value, ...]
    code = "one_of"

    @classmethod
    def of(cls, choices: Collection[Any]) -> OneOf:
        """The rule for any collection of choices; raises DeclarationError if there are none."""
        if not choices:
            raise DeclarationError("one_of needs at least one choice")
        return cls(tuple(choices))

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return value in self.choices

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return "must be one of " + ", ".join(str(choice) for choice in self.choices)

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"enum": list(self.choices)}

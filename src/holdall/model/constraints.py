"""Rules of other libraries in ``Annotated``: those of annotated-types, which pydantic takes too, and msgspec's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from holdall.model.rules import Digits, Ge, Gt, Le, Length, Lt, Pattern, Rule
from holdall.query import Json, Value

__all__ = ["MultipleOf", "Passes", "rules_in"]

_OTHERS = ("annotated_types", "pydantic")
_BOUNDS: tuple[tuple[str, type[Value]], ...] = (("ge", Ge), ("gt", Gt), ("le", Le), ("lt", Lt))


class MultipleOf(msgspec.Struct, frozen=True):
    """A multiple of ``step``.

    >>> MultipleOf(5).holds(15), MultipleOf(5).holds(16)
    (True, False)
    """

    step: Value
    code = "multiple_of"

    def holds(self, value: Value) -> bool:
        """Whether the value keeps the rule."""
        return bool(value % self.step == 0)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must be a multiple of {self.step}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"multipleOf": self.step}


class Passes(msgspec.Struct, frozen=True):
    """A value of which a function says yes.

    >>> Passes(str.islower).holds("Emma")
    False
    """

    function: Callable[[Value], bool]
    code = "predicate"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return bool(self.function(value))

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return f"must pass {getattr(self.function, '__name__', 'a rule').strip('<>')}"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words, which has none for it."""
        return {}


def rules_in(extras: Iterable[object]) -> tuple[Rule, ...]:
    """The rules among what ``Annotated`` adds to a type; what is no rule is for others and left alone.

    >>> import msgspec
    >>> rules_in([Ge(0), msgspec.Meta(max_length=3), "a note"])
    (Ge(bound=0), Length(minimum=0, maximum=3))
    """
    found: list[Value] = []
    for extra in extras:
        if hasattr(extra, "holds"):
            found.append(extra)
        elif isinstance(extra, msgspec.Meta) or type(extra).__module__.partition(".")[0] in _OTHERS:
            found.extend(_translated(extra))
            found.extend(rules_in(getattr(extra, "metadata", ())))  # as pydantic's Field has it
    return tuple(found)


def _translated(extra: Value) -> Iterable[Rule]:
    for name, rule in _BOUNDS:
        bound = getattr(extra, name, None)
        if bound is not None:
            yield rule(bound)
    least, most = getattr(extra, "min_length", None), getattr(extra, "max_length", None)
    if least is not None or most is not None:
        yield Length(least or 0, most)
    step, pattern = getattr(extra, "multiple_of", None), getattr(extra, "pattern", None)
    if step is not None:
        yield MultipleOf(step)
    if isinstance(pattern, str):
        yield Pattern(rf"(?s:.*)(?:{pattern})(?s:.*)")  # they look for it anywhere
    digits, places = getattr(extra, "max_digits", None), getattr(extra, "decimal_places", None)
    if digits is not None or places is not None:
        yield Digits(digits, places)
    if type(extra).__name__ == "Predicate":
        yield Passes(extra.func)

"""The model at the other end of a reference, which may be named before it is declared."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from holdall.errors import DeclarationError
from holdall.model.names import Names
from holdall.model.tracking import Record, Tracked

__all__ = ["Target", "target_of"]

_OPTIONAL = re.compile(r"^(?:Optional\[(?P<inner>.+)\]|(?P<left>.+?)\s*\|\s*None|None\s*\|\s*(?P<right>.+))$")


class Target:
    """A model, or the name of one that is not declared yet. Calling it gives the model."""

    __slots__ = ("_model", "_names", "name", "nullable")

    def __init__(self, name: str, nullable: bool, model: Any, names: Names) -> None:
        self.name = name
        self.nullable = nullable
        self._model = model
        self._names = names

    def __call__(self) -> Any:
        """The model; raises DeclarationError while it is not declared."""
        model = self.found
        if model is None:
            raise DeclarationError(
                f"the model {self.name!r} is not known yet: declare it, or add it to the same Holdall"
            )
        return model

    @property
    def found(self) -> Any:
        """The model, or None while it is not declared."""
        if self._model is None:
            candidate = self._names.get(self.name)
            if isinstance(candidate, type) and issubclass(candidate, Tracked):
                self._model = candidate
        return self._model

    def resolve(self, models: Mapping[str, Any]) -> None:
        """Settle a name with the models that live together, unless the model's own module has settled it."""
        if self.found is None:
            self._model = models.get(self.name)

    def accepts(self, record: Record) -> bool:
        """Whether the record is one of the target's, by name while the model is not known."""
        model = self.found
        if model is not None:
            return isinstance(record, model)
        return any(base.__name__ == self.name for base in type(record).__mro__)


def target_of(annotation: object, names: Names) -> Target:
    """The target in ``Ref[…]`` or ``Many[…]``: a model or its name, with ``| None`` or without.

    Raises DeclarationError for anything else.
    """
    if isinstance(annotation, Target):
        return annotation
    if isinstance(annotation, str):
        match = _OPTIONAL.match(annotation.strip())
        inner = next(group for group in match.groups() if group) if match else annotation.strip()
        return Target(inner.strip("\"'").rpartition(".")[2], match is not None, None, names)
    if get_origin(annotation) in (Union, types.UnionType):
        members = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(members) == 1:
            inner_target = target_of(members[0], names)
            return Target(inner_target.name, True, inner_target.found, names)
    if hasattr(annotation, "__forward_arg__"):
        return target_of(annotation.__forward_arg__, names)
    if isinstance(annotation, type) and issubclass(annotation, Tracked):
        return Target(annotation.__name__, False, annotation, names)
    raise DeclarationError(f"Ref and Many take a model, not {annotation!r}")

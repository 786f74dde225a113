"""Inheritance of models: the order of a model's ancestors, and the slots they have made."""

from __future__ import annotations

from typing import Any

from holdall.errors import DeclarationError
from holdall.model.attributes import SlotAttribute

__all__ = ["ancestors_of", "slot_of"]


def slot_of(cls: Any, name: str) -> Any:
    """The slot of a field that a class or an ancestor of it has made. Raises DeclarationError where there is none."""
    for base in cls.__mro__:
        found = base.__dict__.get(name)
        if found is not None:
            return found.slot if isinstance(found, SlotAttribute) else found
    raise DeclarationError(f"{cls.__name__}.{name} has no slot")


def ancestors_of(name: str, bases: tuple[type[Any], ...]) -> list[type[Any]]:
    """The models a class will derive from, in the order Python will look them up (its C3 linearization).

    Raises DeclarationError where they have no order.
    """
    waiting = [list(base.__mro__) for base in bases] + [list(bases)]
    found: list[type[Any]] = []
    while waiting := [sequence for sequence in waiting if sequence]:
        heads = (sequence[0] for sequence in waiting)
        head = next((head for head in heads if not any(head in sequence[1:] for sequence in waiting)), None)
        if head is None:
            raise DeclarationError(f"{name}: its bases cannot be put into one order")
        found.append(head)
        waiting = [sequence[1:] if sequence[0] is head else sequence for sequence in waiting]
    return [ancestor for ancestor in found if "__holdall__" in ancestor.__dict__]

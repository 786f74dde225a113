"""A reference inside the values of a field, as the upkeep of references sees it: under a dotted name, with a slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.model.options import FieldOptions
from holdall.model.reference import Reference, key_of_value, record_in
from holdall.model.reference_place import DROPPED, ReferencePlace, items_inside, placed_inside, rebuilt
from holdall.model.target import Target
from holdall.model.tracking import Record, Tracked
from holdall.model.withheld import WITHHELD
from holdall.query import Key, ManyForm, NestedName, NestedPlace, Value

__all__ = ["NestedReference", "nested_in", "ways_to"]


class NestedReference(Field):
    """A reference at a place inside the values of ``root``: a Ref, or a Many where lists lead to it.

    The slot of ``root`` keeps it: items are read from the value there, and put into a copy of that value.

    >>> from dataclasses import make_dataclass
    >>> class City(Model):
    ...     id: int = field(pk=True)
    >>> Address = make_dataclass("Address", [("city", Ref[City])])
    >>> class Order(Model):
    ...     id: int = field(pk=True)
    ...     address: Address
    >>> city = Order.__holdall__.nested["address.city"]
    >>> city.get(Order(id=1, address=Address(city=7)))
    7
    """

    name: NestedName

    def __init__(self, root: Field, place: ReferencePlace) -> None:
        shown = [step.shown for step in place.steps if step is not None]
        name = NestedName(".".join([root.name, *shown]))
        super().__init__(root.model, name, root.annotation, None, FieldOptions(on_delete=root.options.on_delete))
        self.root = root
        self.place = place
        self.frozen = root.frozen
        self.target: Target = place.target
        self.form = ManyForm.SET if None in place.steps else None
        self.get = self._got
        self.put = self._put

    @property
    def inside(self) -> NestedPlace:
        """The same place in JSON."""
        return NestedPlace(self.root.name, tuple([None if step is None else step.shown for step in self.place.steps]))

    @property
    def may_be_emptied(self) -> bool:
        """Whether one that leads to a removed record can go: it may be empty, or is an item of a list by itself."""
        return self.target.nullable or self.place.steps[-1:] == (None,)

    def slot_in(self, value: Value) -> Value:
        """The slot that a value of the root has at the place: an item or None, or a tuple of items."""
        if value is WITHHELD:
            value = None
        items = [_plain(item) for item in items_inside(value, self.place.steps)]
        if self.form is None:
            return items[0] if items else None
        return tuple([item for item in items if item is not None])

    def placed_in(self, value: Value) -> list[tuple[Value, str]]:
        """The items of the slot that a value of the root has, each with its path: ``lines.0.product``."""
        if value is WITHHELD:
            return []
        found = placed_inside(value, self.place.steps, self.root.name)
        return [(plain, path) for item, path in found if (plain := _plain(item)) is not None]

    def with_slot(self, value: Value, slot: Value) -> Value:
        """A copy of a value of the root with this at the place. Of a list, what is not in the slot is emptied."""
        if value is WITHHELD:
            return value
        if self.form is None:
            return rebuilt(value, self.place.steps, lambda item: self._handle(slot))
        kept = list(slot)
        return rebuilt(value, self.place.steps, partial(self._kept, kept))

    def refusal(self, value: Value, slot: Value) -> str | None:
        """Why a value of the root cannot have this at the place; None where it can."""
        there = self.slot_in(self.with_slot(value, slot))
        if self.form is None:
            return None if there == slot else f"lies in a value that is not there: give {self.root.name} first"
        added = [item for item in slot if not any(item == each for each in there)]
        return f"lies in the items of a list: write {self.root.name} itself" if added else None

    def replaced(self, value: Value, change: Callable[[Value], Value], *, in_place: bool) -> Value:
        """A value of the root with what ``change`` gives for each item."""

        if value is WITHHELD:
            return value

        def put(item: Value) -> Value:
            plain = _plain(item)
            made = None if plain is None else change(plain)
            return item if made is plain else self._handle(made)

        return rebuilt(value, self.place.steps, put, in_place=in_place)

    def _kept(self, slot: list[Value], item: Value) -> Value:
        plain = _plain(item)
        if plain is None or any(plain is each or plain == each for each in slot):
            return item
        return DROPPED if self.place.steps[-1] is None else None

    def _handle(self, item: Value) -> Value:
        if item is None or item.__class__ is Reference:
            return item
        return Reference(self.target, record=item) if isinstance(item, Tracked) else Reference(self.target, item)

    def _got(self, record: Record) -> Value:
        return self.slot_in(self.root.get(record))

    def _put(self, record: Record, slot: Value) -> None:
        self.root.put(record, self.with_slot(self.root.get(record), slot))

    def encode(self, value: Value) -> Key:
        """The key of a slot, or the keys, each once."""
        if self.form is None:
            return key_of_value(value)
        return tuple(dict.fromkeys([key_of_value(item) for item in value or ()]))


def _plain(item: Value) -> Value:
    """An item as slots of references have it: a key, or a handle that has its record; None for an empty one."""
    return item.key if item.__class__ is Reference and record_in(item) is None else item


def ways_to(nested: Mapping[str, NestedReference]) -> dict[str, NestedReference]:
    """The references by each dotted path that leads to them: of names in JSON, of attributes, and of both."""
    found = dict(nested)
    for each in nested.values():
        names = [dict.fromkeys((step.shown, step.name)) for step in each.place.steps if step is not None]
        for way in product([each.root.name], *names):
            found.setdefault(".".join(way), each)
    return found


def nested_in(fields: Iterable[Field]) -> dict[str, NestedReference]:
    """The references inside the values of these fields, by name.

    Raises DeclarationError for two of one name, and for lists of references that are fields themselves.
    """
    found: dict[str, NestedReference] = {}
    for field in fields:
        for place in field.type.references if field.type is not None else ():
            where = f"{field.model}.{field.name}"
            name = place.target.name
            if all(step is None for step in place.steps):
                raise DeclarationError(
                    f"{where}: write Many[{name}], tuple[Ref[{name}], ...] or frozenset[Ref[{name}]]"
                )
            made = NestedReference(field, place)
            if made.name in found:
                raise DeclarationError(f"{where}: two references inside it have the path {made.name}")
            found[made.name] = made
    return found

"""Changes of the keys of stored records: noted here, and carried out by the commit with all that refers to them."""

from __future__ import annotations

import msgspec

from holdall.errors import FieldError, StateError, ValidationError
from holdall.model import Field, Model, Record, State, assign, state_of, track_of
from holdall.query import Key, Value
from holdall.session.binding import Binding
from holdall.session.context import SessionContext, demand_record
from holdall.session.references.key_moves import demand_moves

__all__ = ["KeyChanging"]


class KeyChanging(msgspec.Struct, eq=False):
    """Gives records of one session other keys.

    Until the commit the record is found here under both keys, and its store has it under the old one. The commit writes
    it under the new key, and whatever refers to it: references and lists of them in any store, stored other ends, and
    records whose own keys hold the reference.

    >>> from holdall import Holdall, Model, Ref, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str = ""
    >>> class City(Model):
    ...     name: str = field(pk=True)
    ...     country: Ref[Country]
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     app.add(City, store="main")
    ...     async with app.session() as session:
    ...         session.add(City(name="Paris", country=session.add(Country(code="FR", name="France"))))
    ...     async with app.session() as session:
    ...         france = await session.require(Country, "FR")
    ...         session.change_key(france, "FRA")
    ...         await session.commit()
    ...         print(france, await session.get(Country, "FR"))
    ...         print(await session.count(City.where(City.country == "FRA")))
    >>> import asyncio
    >>> asyncio.run(example())
    Country(code='FRA', name='France') None
    1
    """

    context: SessionContext

    def change_key(self, record: Model, key: tuple[object, ...]) -> None:
        """Have the record written under this key, given as its parts in the order of the fields.

        Raises ValidationError for a key that its rules refuse, StateError for a record that is to be removed or was not
        read whole.
        """
        context, records = self.context, self.context.records
        demand_record("change_key", record)
        context.demand_open()
        context.committer.demand_idle()
        context.demand_held(record)
        binding = context.bindings.of_model(type(record))
        if state_of(record) is State.DELETED:
            raise StateError(f"this {type(record).__name__} is to be removed; its key cannot change")
        if id(record) in records.mended:
            raise StateError(f"this {type(record).__name__} could not be read whole; mend and commit it first")
        demand_moves(binding, "a record and what refers to it change together")
        fields, parts = binding.declaration.key, _parts(binding, key)
        made, errors = dict[Field, Value](), list[FieldError]()
        for field, part in zip(fields, parts, strict=True):
            if part is None:
                errors.append(FieldError(field.name, "required", "is a part of the key and cannot be null"))
            else:
                made[field] = field.validate(part, errors)
        if errors:
            raise ValidationError(type(record).__name__, errors)
        encoded = [field.encode(value) for field, value in made.items()]
        if None in encoded:
            raise StateError(f"the new key of a {binding.collection} refers to a record without a key: commit it first")
        self._demand_free(binding, record, encoded[0] if len(encoded) == 1 else tuple(encoded))
        records.unfile_changed_key(record)
        assign(record, {field.name: value for field, value in made.items()})
        records.collect()
        if state_of(record) is State.NEW:
            records.index_new(binding.model)
        elif (track := track_of(record)) is not None and any(field.name in (track.old or ()) for field in fields):
            records.rekeyed[id(record)] = record
            records.claim(binding.model, record.__key__(), record)

    def _demand_free(self, binding: Binding, record: Record, key: Key) -> None:
        held = self.context.records.find(binding.model, key)
        if held is not None and held is not record:
            raise StateError(f"this session already holds a {binding.collection} with this key")


def _parts(binding: Binding, key: tuple[object, ...]) -> tuple[object, ...]:
    """The parts of a key given as one tuple, or part by part."""
    fields = binding.declaration.key
    given = key[0] if len(key) == 1 and len(fields) > 1 and isinstance(key[0], tuple) else key
    if len(given) != len(fields):
        names = ", ".join(field.name for field in fields)
        raise StateError(f"the key of a {binding.collection} is {names}: give {len(fields)}, not {len(given)}")
    return given

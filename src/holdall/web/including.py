"""Records shown within those that refer to them: each collection asked once for a level, a page of each list shown."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from holdall.errors import CorruptRecord
from holdall.model import NestedReference, Record
from holdall.query import ALWAYS, And, AnyQuery, Compare, Condition, Key, ManyForm, Op, Or, Query, Some, SortKey, both
from holdall.session import Binding, Session
from holdall.web.inside_values import put_inside
from holdall.web.listing import Inclusion, Listing
from holdall.web.problem import Problem
from holdall.web.view import CollectionView

__all__ = ["MAX_INCLUDED", "Including"]

MAX_INCLUDED = 10_000
"""The most records that one answer includes."""

_AT_ONCE = 2_000  # records of lists that are read together; where there are more, each list is asked for by itself
_KEYS = 500  # in one condition
_encode = msgspec.json.Encoder().encode
_Shown = dict[str, msgspec.Raw]
_decode = msgspec.json.Decoder(list[_Shown]).decode
_NULL = msgspec.Raw(b"null")


class Including:
    """Shows records with others in them, of up to ``most`` bytes. Example: ``GET /books?include=author``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._views: dict[str, CollectionView] = {}

    async def shown(
        self,
        session: Session,
        view: CollectionView,
        records: Sequence[Record],
        names: Collection[str] | None,
        includes: tuple[Inclusion, ...],
    ) -> bytes:
        """The records as a JSON array. Raises Problem where they include too many others."""
        return _encode(await self._shown(_Reading(session, self._most), view, records, names, includes))

    async def _shown(
        self,
        reading: _Reading,
        view: CollectionView,
        records: Sequence[Record],
        names: Collection[str] | None,
        includes: tuple[Inclusion, ...],
    ) -> list[_Shown]:
        inside = {each.field.root.name for each in includes if each.field.root is not each.field}
        names = names if names is None else {*names, *inside}
        shown = _decode(await view.shown(records, view.visible(reading.session.user, names)))
        for inclusion in includes:
            lists, more = await reading.found(view.binding, records, inclusion)
            unique = list({id(record): record for found in lists for record in found}.values())
            target = self._view(inclusion.binding)
            inner = await self._shown(reading, target, unique, inclusion.names, inclusion.includes) if unique else []
            made = {id(record): msgspec.Raw(_encode(item)) for record, item in zip(unique, inner, strict=True)}
            if isinstance(inclusion.field, NestedReference):
                put_inside(shown, inclusion.field.inside, {record.__key__(): made[id(record)] for record in unique})
                reading.take_bytes(sum(len(item.get(inclusion.field.root.name, b"")) for item in shown))
                continue
            for item, found, has_more in zip(shown, lists, more, strict=True):
                values = [made[id(record)] for record in found]
                reading.take_bytes(sum(map(len, values)))
                item[inclusion.field.name] = _value(inclusion, values, has_more=has_more)
        return shown

    def _view(self, binding: Binding) -> CollectionView:
        view = self._views.get(binding.collection)
        if view is None:
            view = self._views[binding.collection] = CollectionView(binding)
        return view


def _value(inclusion: Inclusion, values: list[msgspec.Raw], *, has_more: bool) -> msgspec.Raw:
    """The JSON of what is included in one record: a record or null, or a page of them."""
    if inclusion.listing is None:
        return values[0] if values else _NULL
    page = {"data": values, "page": inclusion.listing.page, "page_size": inclusion.listing.page_size, "more": has_more}
    return msgspec.Raw(_encode(page))


class _Reading:
    """Finds, for one answer, the records that are included in others."""

    def __init__(self, session: Session, most: int) -> None:
        self.session = session
        self._left = MAX_INCLUDED
        self._room = most

    async def found(
        self, binding: Binding, records: Sequence[Record], inclusion: Inclusion
    ) -> tuple[list[list[Record]], list[bool]]:
        """For each of the records those that it includes, and whether its list has more of them."""
        if inclusion.field.form is ManyForm.BACK:
            lists = await self._referring(binding, records, inclusion)
        else:
            lists = await self._referred(records, inclusion)
        listing = inclusion.listing
        more = [listing is not None and len(found) > listing.page_size for found in lists]
        lists = [found if listing is None else found[: listing.page_size] for found in lists]
        self._take(sum(map(len, lists)))
        return lists, more

    def _take(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            detail = f"More than {MAX_INCLUDED} records would be included; ask for smaller pages."
            raise Problem(422, "limit", detail)

    def take_bytes(self, number: int) -> None:
        """Raise Problem where what is included takes too many bytes."""
        self._room -= number
        if self._room < 0:
            raise Problem(422, "limit", "The included records have too many bytes; ask for smaller pages.")

    # --- references that the records have -----------------------------------------------------------------------------

    async def _referred(self, records: Sequence[Record], inclusion: Inclusion) -> list[list[Record]]:
        field, listing = inclusion.field, inclusion.listing
        keys = [_keys(field.encode(field.get(record)), is_many=field.form is not None) for record in records]
        if listing is not None and listing.query.condition == ALWAYS and not listing.query.sort_keys:
            skip = listing.query.skip
            keys = [found[skip : skip + listing.page_size + 1] for found in keys]
            by_key = await self._by_keys(inclusion.binding, keys)
            return [[by_key[key] for key in found if key in by_key] for found in keys]
        if listing is None:
            by_key = await self._by_keys(inclusion.binding, keys)
            return [[by_key[key] for key in found if key in by_key] for found in keys]
        return await self._chosen(inclusion.binding, keys, listing)

    async def _by_keys(self, binding: Binding, keys: list[list[Key]]) -> dict[Key, Record]:
        """The records with these keys, those left out that are not there or cannot be read: asked for together."""
        unique = list(dict.fromkeys(key for found in keys for key in found))
        if len(unique) > MAX_INCLUDED:
            self._take(len(unique))
        get = self.session.context.reader.get
        found = await asyncio.gather(*[get(binding, key) for key in unique], return_exceptions=True)
        by_key: dict[Key, Record] = {}
        for key, record in zip(unique, found, strict=True):
            if isinstance(record, BaseException):
                if not isinstance(record, CorruptRecord):
                    raise record
            elif record is not None:
                by_key[key] = record
        return by_key

    async def _chosen(self, binding: Binding, keys: list[list[Key]], listing: Listing) -> list[list[Record]]:
        """Of the records with these keys those that a list's own filters mean, in its order."""
        unique = list(dict.fromkeys(key for found in keys for key in found))
        if len(unique) > _KEYS and listing.query.sort_keys:
            raise Problem(422, "limit", f"More than {_KEYS} records would be sorted; ask for smaller pages.")
        rank: dict[Key, Any] = {}
        for start in range(0, len(unique), _KEYS):
            condition = both(_of_keys(binding, unique[start : start + _KEYS]), listing.query.condition)
            query: AnyQuery = Query(binding.collection, condition, listing.query.sort_keys)
            for record in await self._query(query):
                rank[record.__key__()] = len(rank), record
        if listing.query.sort_keys:
            chosen = [sorted((rank[key] for key in set(found) if key in rank), key=_first) for found in keys]
        else:
            chosen = [[rank[key] for key in found if key in rank] for found in keys]
        skip = listing.query.skip
        return [[record for _, record in found[skip : skip + listing.page_size + 1]] for found in chosen]

    # --- records that refer to the records ----------------------------------------------------------------------------

    async def _referring(self, binding: Binding, records: Sequence[Record], inclusion: Inclusion) -> list[list[Record]]:
        keys = [record.__key__() for record in records]
        listing = inclusion.listing
        size, skip = (1, 0) if listing is None else (listing.page_size + 1, listing.query.skip)
        if len(keys) > 1:
            together = await self._together(binding, keys, inclusion)
            if together is not None:
                return [together.get(key, [])[skip : skip + size] for key in keys]
        return [
            await self._query(
                msgspec.structs.replace(self._referring_query(binding, [key], inclusion), max_rows=size, skip=skip)
            )
            for key in keys
        ]

    async def _together(
        self, binding: Binding, keys: list[Key], inclusion: Inclusion
    ) -> dict[Key, list[Record]] | None:
        """The lists of all the records, read at once; None where they are too long for that."""
        if len(keys) > _KEYS:
            return None
        query = self._referring_query(binding, keys, inclusion)
        found = await self._query(msgspec.structs.replace(query, max_rows=_AT_ONCE + 1))
        if len(found) > _AT_ONCE:
            return None
        back = inclusion.binding.declaration.reference(str(inclusion.field.options.back))
        assert back is not None
        lists: dict[Key, list[Record]] = {}
        for record in found:
            for key in _keys(back.encode(back.get(record)), is_many=back.form is not None):
                lists.setdefault(key, []).append(record)
        return lists

    async def _query(self, query: AnyQuery) -> list[Any]:
        """The records of a query, those left out that cannot be read."""
        try:
            return await self.session.query(query)
        except CorruptRecord:
            return (await self.session.readable(query)).records

    def _referring_query(self, binding: Binding, keys: list[Key], inclusion: Inclusion) -> AnyQuery:
        target, listing = inclusion.binding, inclusion.listing
        name = str(inclusion.field.options.back)
        condition: Condition = Some((name,), _of_keys(binding, keys))
        if target.schema.field(name).form is None:
            condition = Compare((name,), Op.EQ, keys[0]) if len(keys) == 1 else Compare((name,), Op.IN, tuple(keys))
        sort_keys = () if listing is None else listing.cursor_keys
        if listing is not None and listing.query.condition != ALWAYS:
            condition = And((condition, listing.query.condition))
        return Query(target.collection, condition, sort_keys or _by_key(target))


def _by_key(binding: Binding) -> tuple[SortKey, ...]:
    return tuple([SortKey((name,)) for name in binding.schema.key])


def _first(ranked: tuple[int, Record]) -> int:
    return ranked[0]


def _keys(value: Any, *, is_many: bool) -> list[Key]:
    if is_many:
        return list(value or ())
    return [] if value is None else [value]


def _of_keys(binding: Binding, keys: Sequence[Key]) -> Condition:
    """That a record of the collection has one of these keys."""
    names = binding.schema.key
    if len(names) == 1:
        path = (names[0],)
        return Compare(path, Op.EQ, keys[0]) if len(keys) == 1 else Compare(path, Op.IN, tuple(keys))
    each = [And(tuple([Compare((name,), Op.EQ, part) for name, part in zip(names, key, strict=True)])) for key in keys]
    return each[0] if len(each) == 1 else Or(tuple(each))

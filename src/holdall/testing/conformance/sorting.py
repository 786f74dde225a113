"""Sorting and paging: order, missing values, positions, offsets, projections, against ``evaluate``."""

from __future__ import annotations

from itertools import product

from holdall.query import AnyQuery, Kind, Query, SortKey, resolve
from holdall.store import Feature, Rows, Streaming
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires
from holdall.testing.strategies import paths

__all__ = ["Sorting"]

_UNSORTABLE = {Kind.JSON, Kind.MANY}
_PAGE = 11


class Sorting:
    """Answers of ``fetch`` to sorts, limits, offsets, positions and projections."""

    @requires(Feature.SORT)
    def test_every_field(self, case: Case) -> None:
        """Every field that has an order, in both directions, missing values at either end; equal rows by key."""
        case.load()
        for field in case.schemas["sample"].stored:
            if field.kind not in _UNSORTABLE:
                for descending, nulls in product((False, True), (None, "first", "last")):
                    query: AnyQuery = Query("sample", sort_keys=(SortKey((field.name,), descending, nulls),))  # type: ignore[arg-type]
                    case.expect(query if nulls is None else case.keys_of(query))

    @requires(Feature.SORT, Feature.RELATIONS)
    def test_through_references(self, case: Case) -> None:
        """Sorting by a path: rows without the relation stay, as missing."""
        case.load()
        schema = case.schemas["book"]
        for path in paths(case.schemas, schema, frozenset(Kind) - _UNSORTABLE, 2):
            if len(resolve(case.schemas, schema, path)[-1][1].target_key) < 2:
                for descending in (False, True):
                    found = case.expect(Query("book", sort_keys=(SortKey(path, descending), SortKey(("id",)))))
                    assert len(found) == len(case.tables["book"].rows)

    @requires(Feature.SORT, Feature.OFFSET)
    def test_limits_and_offsets(self, case: Case) -> None:
        """Every part of a collection, sorted and not, also where the limit or the offset is beyond its end."""
        case.load()
        for limit, offset in product((None, 0, 1, 7, 1000), (0, 1, 7, 49, 50, 1000)):
            query: AnyQuery = Query("sample", max_rows=limit, skip=offset)
            case.expect(query)
            case.expect(query.sort(SortKey(("maybe_str",), True)))

    def test_limit_alone(self, case: Case) -> None:
        """A limit without a sort takes the first records by key."""
        case.load()
        for name in case.schemas:
            case.expect(Query(name, max_rows=3))

    @requires(Feature.SORT, Feature.KEYSET)
    def test_paging_by_position(self, case: Case) -> None:
        """Following the positions of a total order gives every record once, wherever missing values are placed."""
        case.load()
        for descending, nulls, key_descends in product((False, True), ("first", "last"), (False, True)):
            for name in ("maybe_int", "maybe_str", "some_bool", "maybe_datetime", "maybe_float"):
                if not case.keeps(f"sample.{name}"):
                    continue
                keys = (SortKey((name,), descending, nulls), SortKey(("id",), key_descends))  # type: ignore[arg-type]
                query: AnyQuery = Query("sample", sort_keys=keys)
                seen, page = [], case.expect(query.limit(_PAGE))
                positions = case.schemas["sample"].positions
                while page:
                    seen += page
                    last = page[-1]
                    page = case.expect(query.limit(_PAGE).after(last[positions[name]], last[positions["id"]]))
                assert len(seen) == len(case.tables["sample"].rows)

    @requires(Feature.PROJECTION)
    def test_projections(self, case: Case) -> None:
        """Only the asked fields, in the asked order, one of them twice."""
        case.load()
        for name, schema in case.schemas.items():
            own = [(field.name,) for field in schema.stored]
            case.expect(Query(name, projection=tuple(reversed(own))))
            case.expect(Query(name, projection=(own[-1], own[0], own[-1])))
            for path in own:
                case.expect(Query(name, projection=(path,)))

    @requires(Feature.PROJECTION, Feature.RELATIONS)
    def test_projections_through_references(self, case: Case) -> None:
        """Fields of referenced records; missing where the reference is."""
        case.load()
        for name, schema in case.schemas.items():
            for path in paths(case.schemas, schema, frozenset(Kind) - {Kind.MANY}, 2):
                case.expect(Query(name, projection=(path, (schema.key[0],))))

    @requires(Streaming)
    def test_streaming(self, case: Case) -> None:
        """Batches of at most the asked size make up what ``fetch`` gives."""
        case.load()
        store = case.store
        assert isinstance(store, Streaming)
        query: AnyQuery = Query("sample", sort_keys=(SortKey(("id",)),))
        for batch in (1, 7, 50, 1000):

            async def gather(batch: int = batch) -> list[Rows]:
                return [rows async for rows in store.stream(query, batch)]

            batches = case.run(gather())
            assert all(0 < len(rows) <= batch for rows in batches)
            assert [row for rows in batches for row in rows] == case.expect(query)

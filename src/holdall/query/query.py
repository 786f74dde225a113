"""The query: a frozen value that says which records, in which order, how many and what of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

import msgspec

from holdall.errors import QueryError
from holdall.query._demands import demand_count, no_condition
from holdall.query._grouping import aggregates_in, demand_column, having_of, own_aggregate
from holdall.query._paths import write_path
from holdall.query._typed_columns import A_, B_, C_, D_, E_, F_, A, B, C, D, E, F
from holdall.query.aggregate import Aggregate, AggregateOwner, Grouping, grouped_by
from holdall.query.aggregated import Aggregated, Column
from holdall.query.border import Value
from holdall.query.combining import combined
from holdall.query.condition import ALWAYS, NOBODY, Condition, Node, Owner, Path, both
from holdall.query.expression import expr, owner_of
from holdall.query.functions import asc
from holdall.query.ownership import demand_condition_of, demand_field_of
from holdall.query.sort import SortKey

__all__ = ["AnyQuery", "Query"]

M = TypeVar("M")


class Query(msgspec.Struct, Generic[M], frozen=True):
    """A query: which records of ``collection`` are meant. Every method returns a new query.

    A query that sorts, or has a limit or an offset, has its rows in a certain order: rows equal in all sort keys (all
    rows, if there is none) come by their keys, ascending. ``position`` holds a value for each sort key, None for
    missing: only rows after it in the sort order are meant, none equal to it, so the sort should then be total. An
    empty ``projection`` means all stored fields. ``model`` is for the session, stores ignore it. With a
    ``grouping`` rows are of groups, see ``Grouping``.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     pages: int
    >>> from holdall.query import format_query
    >>> long = Book.where(Book.pages > 100).sort(desc(Book.pages), Book.id)
    >>> format_query(long.after(300, 7).limit(20).only(Book.title))
    'book where pages > 100 sort -pages, id after (300, 7) limit 20 only title'
    >>> long.limit(20).offset(40).skip
    40
    >>> short = Book.where().sort(Book.pages).limit(3)
    >>> format_query(long.except_(short).union(long.intersect(short)))[:60]
    'book where (pages > 100 and not id in (book sort pages limit'
    >>> format_query(Book.where().group_by(Book.title).having(Book.pages.sum() > 9).distinct())
    'book group title having sum(pages) > 9 only title'
    """

    collection: str
    condition: Condition = ALWAYS
    sort_keys: tuple[SortKey, ...] = ()
    max_rows: int | None = None
    skip: int = 0
    position: tuple[Value, ...] | None = None
    projection: tuple[Path, ...] = ()
    model: Any = None
    grouping: Grouping | None = None

    def where(self, *conditions: Condition | bool) -> Query[M]:
        """Return the query with these conditions added; all must hold. Raises QueryError for what is no condition, or
        speaks of another model.
        """
        condition = self.condition
        for item in conditions:
            if not isinstance(item, Node):
                raise QueryError(no_condition(item))
            demand_condition_of(self.model, item)
            condition = both(condition, item)
        return msgspec.structs.replace(self, condition=condition)

    def sort(self, *keys: object) -> Query[M]:
        """Return the query sorted by these fields or sort keys (``asc``, ``desc``), in place of an earlier sort. Raises
        QueryError for a field of another model.
        """
        found = [key if isinstance(key, SortKey) else asc(key) for key in keys]
        sort_keys = tuple([self._sort_key(key) for key in found])
        if self.grouping is None:
            return msgspec.structs.replace(self, sort_keys=sort_keys)
        return self._grouped(self.grouping, _owned([key.of for key in found], self.model), sort_keys=sort_keys)

    def _sort_key(self, found: SortKey) -> SortKey:
        if self.grouping is None:
            if found.of.__class__ is AggregateOwner:
                raise QueryError(f"{found.path[0]} is an aggregate: group_by() or only() comes before a sort by it")
            demand_field_of(self.model, found.of, found.path)
        else:
            if found.of.__class__ is not AggregateOwner:
                demand_field_of(self.model, found.of, found.path)
            demand_column(self.grouping.by, found.path, found.of)
        return SortKey(found.path, found.descending, found.nulls)  # stores compare and hash it

    def limit(self, rows: int | None) -> Query[M]:
        """Return the query for at most ``rows`` rows; None lifts the limit. Raises QueryError for a negative number."""
        if rows is not None:
            demand_count("a limit", rows)
        return msgspec.structs.replace(self, max_rows=rows)

    def offset(self, rows: int) -> Query[M]:
        """Return the query without its first ``rows`` rows. Raises QueryError for a negative number."""
        demand_count("an offset", rows)
        return msgspec.structs.replace(self, skip=rows)

    def after(self, *position: object) -> Query[M]:
        """Return the query for rows after this position: one border value for each sort key. Raises QueryError where
        the numbers of values and sort keys differ.
        """
        if self.grouping is not None:
            raise QueryError("after() continues rows of records; groups have no position, use limit() and offset()")
        if len(position) != len(self.sort_keys):
            raise QueryError(f"a position needs {len(self.sort_keys)} values, one for each sort key")
        return msgspec.structs.replace(self, position=position)

    if TYPE_CHECKING:  # a column is typed as it is written: a field as its values, all else as a Column of them

        @overload
        def only(self, a: Column[A], /) -> Query[tuple[A]]: ...
        @overload
        def only(self, a: Column[A], b: Column[B], /) -> Query[tuple[A, B]]: ...
        @overload
        def only(self, a: Column[A], b: Column[B], c: Column[C], /) -> Query[tuple[A, B, C]]: ...
        @overload
        def only(self, a: Column[A], b: Column[B], c: Column[C], d: Column[D], /) -> Query[tuple[A, B, C, D]]: ...
        @overload
        def only(
            self, a: Column[A], b: Column[B], c: Column[C], d: Column[D], e: Column[E], /
        ) -> Query[tuple[A, B, C, D, E]]: ...
        @overload
        def only(
            self, a: Column[A], b: Column[B], c: Column[C], d: Column[D], e: Column[E], f: Column[F], /
        ) -> Query[tuple[A, B, C, D, E, F]]: ...
        @overload
        def only(self, a: Column[A] | A_, /) -> Query[tuple[A | A_]]: ...
        @overload
        def only(self, a: Column[A] | A_, b: Column[B] | B_, /) -> Query[tuple[A | A_, B | B_]]: ...
        @overload
        def only(
            self, a: Column[A] | A_, b: Column[B] | B_, c: Column[C] | C_, /
        ) -> Query[tuple[A | A_, B | B_, C | C_]]: ...
        @overload
        def only(
            self, a: Column[A] | A_, b: Column[B] | B_, c: Column[C] | C_, d: Column[D] | D_, /
        ) -> Query[tuple[A | A_, B | B_, C | C_, D | D_]]: ...
        @overload
        def only(
            self, a: Column[A] | A_, b: Column[B] | B_, c: Column[C] | C_, d: Column[D] | D_, e: Column[E] | E_, /
        ) -> Query[tuple[A | A_, B | B_, C | C_, D | D_, E | E_]]: ...
        @overload
        def only(
            self,
            a: Column[A] | A_,
            b: Column[B] | B_,
            c: Column[C] | C_,
            d: Column[D] | D_,
            e: Column[E] | E_,
            f: Column[F] | F_,
            /,
        ) -> Query[tuple[A | A_, B | B_, C | C_, D | D_, E | E_, F | F_]]: ...
        @overload
        def only(self, *fields: object) -> Query[tuple[object, ...]]: ...

    def only(self, *fields: object) -> Query[Any]:
        """Return the query for tuples of just these fields or aggregates instead of records; a reference is given by
        its key. With aggregates the rows are of groups: of all records, or as ``group_by`` says.

        Raises QueryError without a field, for one of another model, and for one that is neither grouped nor aggregated
        where there are groups.
        """
        if not fields:
            raise QueryError("only() takes at least one field; without it, records are given")
        known = [self._own(field.owner) for field in fields if isinstance(field, Aggregated)]
        projection = tuple([self._path(field) for field in fields])
        grouping = self.grouping
        if grouping is None:
            if not known:
                return msgspec.structs.replace(self, projection=projection)
            grouping = Grouping()
            for key in self.sort_keys:
                demand_column((), key.path, key.of)
        for field, path in zip(fields, projection, strict=True):
            demand_column(grouping.by, path, field.owner if isinstance(field, Aggregated) else NOBODY)
        return self._grouped(grouping, known, projection=projection)

    def group_by(self, *fields: object) -> Query[tuple[object, ...]]:
        """Return the query for groups of records with equal values in these fields: a row for each, of these fields
        or of what ``only`` says. Conditions of ``where`` are about records, those of ``having`` about groups.

        Raises QueryError without a field, for one of another model, or after ``only``, ``sort`` or ``after``.

        >>> class Book(Model):
        ...     id: int = field(pk=True)
        ...     author: str
        ...     pages: int
        >>> from holdall.query import format_query
        >>> pages = Book.pages.sum()
        >>> format_query(Book.where(Book.id > 9).group_by(Book.author).only(Book.author, pages).having(pages > 99))
        'book where id > 9 group author having sum(pages) > 99 only author, sum(pages)'
        >>> format_query(Book.where().only(Book.author).distinct())
        'book group author only author'
        """
        if not fields:
            raise QueryError("group_by() takes at least one field; aggregates of all records need none, only only()")
        if self.grouping is not None or self.projection or self.sort_keys or self.position is not None:
            raise QueryError("group_by() comes once, before only(), having(), sort() and after()")
        for field in fields:
            if isinstance(field, Aggregated):
                raise QueryError(f"{field.aggregate.name} is an aggregate: groups are made by fields")
        by = tuple(dict.fromkeys([self._path(field) for field in fields]))
        records: Any = self
        grouped: Query[tuple[object, ...]] = msgspec.structs.replace(records, projection=by, grouping=Grouping(by))
        return grouped

    def having(self, *conditions: Condition | bool) -> Query[M]:
        """Return the query for those groups that meet these conditions on aggregates. Raises QueryError where there are
        no groups yet, for what compares no aggregate, and for a field that is not grouped. Example: ``group_by``.
        """
        grouping = self.grouping
        if grouping is None:
            raise QueryError("having() asks for groups: group_by(), or only() with an aggregate, comes before it")
        having, known = grouping.having, list[Aggregate]()
        for item in conditions:
            if not isinstance(item, Node):
                raise QueryError(no_condition(item))
            known += aggregates_in(self.model, item)
            having = both(having, having_of(self.model, grouping.by, item))
        return self._grouped(msgspec.structs.replace(grouping, having=having), known)

    def distinct(self) -> Query[M]:
        """Return the query for rows of which no two are equal. Raises QueryError without ``only``, and where it sorts
        by what is not in the rows.
        """
        if self.grouping is not None:
            shown = {*self.projection}
            if shown.issuperset(self.grouping.by):
                return self
            raise QueryError("distinct() of groups: put every field of group_by() into only(), and no two are equal")
        if not self.projection:
            raise QueryError("distinct() is about the rows of only(): records are never equal")
        if self.position is not None:
            raise QueryError("distinct() comes without after(); use limit() and offset()")
        for key in self.sort_keys:
            if key.path not in self.projection:
                raise QueryError(f"distinct rows are sorted by what they have: add {write_path(key.path)} to only()")
        return msgspec.structs.replace(self, grouping=Grouping(tuple(dict.fromkeys(self.projection))))

    def union(self, *others: Query[M]) -> Query[M]:
        """Return the query for what this or any of the others finds, each record or row once; sort and limit come after
        it. Raises QueryError for queries of another model, of groups, or of other columns.
        """
        return self._combined("union", others)

    def intersect(self, *others: Query[M]) -> Query[M]:
        """Return the query for records that all of them find. Raises as ``union``, and for ``only``."""
        return self._combined("intersect", others)

    def except_(self, *others: Query[M]) -> Query[M]:
        """Return the query for records that this one finds and none of the others. Raises as ``intersect``."""
        return self._combined("except_", others)

    def _combined(self, word: str, others: tuple[Query[M], ...]) -> Query[M]:
        condition, projection = combined(word, (self, *others))
        query: Query[M] = Query(self.collection, condition, projection=projection, model=self.model)
        return query.distinct() if projection else query

    def _grouped(self, grouping: Grouping, known: list[Aggregate], **changed: Value) -> Query[M]:
        query = msgspec.structs.replace(self, **changed)
        aggregates = [*grouping.aggregates, *known]
        settled = grouped_by(grouping.by, aggregates, grouping.having, query.sort_keys, query.projection)
        return msgspec.structs.replace(query, grouping=settled)

    def _path(self, field: Any) -> Path:
        if isinstance(field, tuple | Aggregated):
            return field if isinstance(field, tuple) else field.path
        found = expr(field)
        demand_field_of(self.model, owner_of(found), found.path)
        return found.path

    def _own(self, owner: AggregateOwner) -> Aggregate:
        return own_aggregate(self.model, owner)


AnyQuery: TypeAlias = Query[Any]
"""A query, whatever it gives."""


def _owned(owners: list[Owner], model: object) -> list[Aggregate]:
    return [own_aggregate(model, owner) for owner in owners if isinstance(owner, AggregateOwner)]

"""Requests for a selection: its parameters, filters beside them, order, page or format."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from holdall.errors import FieldError, HoldallError, ValidationError
from holdall.policy import User
from holdall.query import AnyQuery, Query, SortKey, both, check, resolve
from holdall.selections import AnySelection
from holdall.session import Bindings
from holdall.web.asgi import Scope
from holdall.web.cursor import Cursors
from holdall.web.dialect import CONTROLS
from holdall.web.dialects import Dialects
from holdall.web.formats import Format, accepted_format, with_format
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.problem import Problem
from holdall.web.visits import demand_visits

__all__ = ["ROWS", "TAKEN", "Selected", "SelectedReader", "read_parameters"]

ROWS = "rows"
"""The parameter that says how a row is shown: as an object, or as a list."""
TAKEN = ("page", "page_size", "sort", "count", "after", "format", "formulas")
"""The parameters of lists that selections have, too."""


class Selected(msgspec.Struct, frozen=True):
    """A request for rows of a selection, read.

    ``query`` has all rows in their order, ``keys`` the sort that no two rows are equal in.
    """

    query: AnyQuery
    keys: tuple[SortKey, ...]
    page: int
    page_size: int
    is_counted: bool
    is_keyset: bool
    position: tuple[object, ...] | None
    format: Format
    keeps_formulas: bool
    is_listed: bool


def read_parameters(selection: AnySelection, given: Mapping[str, str]) -> object:
    """The parameters of a selection in texts. Raises Problem with everything that is wrong."""
    try:
        return selection.inputs.from_text(given)
    except ValidationError as error:
        raise not_understood(error.errors) from error


class SelectedReader:
    """Reads the requests for the selections of one collection."""

    def __init__(self, bindings: Bindings, dialects: Dialects, cursors: Cursors) -> None:
        self._bindings = bindings
        self._dialects = dialects
        self._cursors = cursors

    def read(self, scope: Scope, user: User, selection: AnySelection, body: bytes | None) -> Selected:
        """The request, read; a ``body`` has the parameters of the selection. Raises Problem with everything wrong."""
        query_string = scope["query_string"]
        if (accepted := accepted_format(scope)) is not Format.JSON:
            query_string = with_format(query_string, accepted)
        errors = list[FieldError]()
        rest, given, own = self._split(query_string, selection, errors, has_body=body is not None)
        try:
            inputs = selection.inputs.from_json(body) if body is not None else selection.inputs.from_text(own)
        except ValidationError as error:
            if body is not None:
                raise
            errors += error.errors
        try:
            listing = self._dialects.of(user).read(rest)
        except Problem as problem:
            if not problem.errors or not errors:
                raise
            raise not_understood([*errors, *problem.errors]) from None
        if errors:
            raise not_understood(errors)
        demand_visits(listing, user)
        sort = listing.query.sort_keys if "sort" in given else ()
        query = selection.made(user, inputs, sort)
        query = msgspec.structs.replace(query, condition=both(query.condition, listing.query.condition))
        keys = selection.total_order(query)
        self._demand_answerable(query)
        is_keyset = "after" in given
        return Selected(
            query,
            keys,
            listing.page,
            listing.page_size,
            given.get("count", "none" if is_keyset else "exact") == "exact",
            is_keyset,
            self._position(given.get("after", ""), selection, keys, rest, has_page="page" in given),
            listing.format,
            listing.keeps_formulas,
            given.get(ROWS) == "list",
        )

    def _split(
        self, query_string: bytes, selection: AnySelection, errors: list[FieldError], *, has_body: bool
    ) -> tuple[bytes, dict[str, str], dict[str, str]]:
        """The part of a query string that a list understands, the parameters of lists, and those of the selection."""
        own, given, unknown = dict[str, str](), dict[str, str](), set[str]()
        names = selection.inputs.annotations.keys()
        for name, value in parameters_of(query_string):
            if name in names:
                if has_body:
                    errors.append(FieldError(name, "body", "is given in the body of this request"))
                elif name in own:
                    errors.append(FieldError(name, "repeated", "must be given once"))
                own[name] = value
            elif name == ROWS:
                given[name] = value
                if value not in ("list", "object"):
                    errors.append(FieldError(name, "one_of", "must be one of list, object"))
            elif name in CONTROLS and name not in TAKEN:
                errors.append(unknown_parameter(name))
                unknown.add(name)
            elif name in TAKEN:
                given[name] = value
        left_out = {name.encode() for name in (*names, *unknown, ROWS, "after")}
        pieces = [piece for piece in query_string.split(b"&") if piece.partition(b"=")[0] not in left_out]
        if "sort" in given:
            pieces = [piece for piece in pieces if piece.partition(b"=")[0] != b"sort"]
            pieces.append(b"sort=" + quote(_sort_of(selection, given["sort"])).encode())
        return b"&".join(pieces), given, own

    def _position(
        self, text: str, selection: AnySelection, keys: tuple[SortKey, ...], rest: bytes, *, has_page: bool
    ) -> tuple[object, ...] | None:
        if has_page and text:
            raise not_understood([FieldError("page", "combination", "cannot be given together with after")])
        if not text:
            return None
        schemas = {each.collection: each.schema for each in self._bindings}
        fields = [resolve(schemas, selection.binding.schema, key.path)[-1][1] for key in keys]
        position = self._cursors.open(text, label_of(selection), keys, fields)
        if position is None:
            message = "must be a cursor this service gave for the same selection and sort"
            raise not_understood([FieldError("after", "cursor", message)])
        return position

    def _demand_answerable(self, query: AnyQuery) -> None:
        schemas = {each.collection: each.schema for each in self._bindings}
        try:
            check(Query(self._bindings.of_query(query).collection, query.condition, query.sort_keys), schemas)
        except HoldallError as error:
            raise Problem(422, "query", "The query cannot be answered as it is written.") from error


def _sort_of(selection: AnySelection, text: str) -> str:
    """A sort with the paths of columns in the place of their names."""
    paths = {column.name: ".".join(column.path) for column in selection.columns if column.field is not None}
    items = [(item.startswith("-"), item.removeprefix("-")) for item in text.split(",")]
    return ",".join(["-" * is_down + paths.get(name, name) for is_down, name in items])


def label_of(selection: AnySelection) -> str:
    """The place that cursors of a selection are signed for."""
    return f"{selection.collection}/selections/{selection.name}"

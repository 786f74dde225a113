"""Common parts of async and sync REST views: their declaration, the query of every read, the shape of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar, get_args

import msgspec

from holdall.model import Model, Record
from holdall.query import Key, Query, Value, both
from holdall.session import Session
from holdall.web.asgi import address_of
from holdall.web.listing import Listing
from holdall.web.views.answers import Input, RecordResponse, ResponseShape
from holdall.web.views.bracket import Writes
from holdall.web.views.key_route import segment_of
from holdall.web.views.serving import Serving
from holdall.web.views.view import View

__all__ = ["BaseRestView"]

M = TypeVar("M", bound=Model)


class BaseRestView(View, Generic[M]):
    """The declaration of a REST view: ``model`` and, where others than the derived ones are wanted, its schemas.

    ``schema`` is what is shown, ``schema_create`` and ``schema_update`` what is taken, derived from it where they are
    left out: pydantic models or msgspec structs. Example: :class:`AsyncRestView`.
    """

    model: ClassVar[type[Any]]
    schema: ClassVar[type | None] = None
    schema_create: ClassVar[type | None] = None
    schema_update: ClassVar[type | None] = None

    serving: Serving
    """The parts of the view where it is included; for other rooms, not for users."""
    acting: Session
    """The async session, also of a view without async; for other rooms, as is ``writes``."""
    writes: Writes
    asked: Listing | None = None
    """What a request for one record wants to be shown of it; for other rooms."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in vars(cls).get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, Model):
                    cls.model = argument

    def build_query(self) -> Query[M]:
        """Return the query that every read of the view goes through: list, count, and the record with a key.

        Override it, and call ``super().build_query()``, to leave out what nobody may see through this view.
        """
        return self.model.where()  # type: ignore[no-any-return]

    def apply_query_params(self, query: Query[M], query_params: Listing) -> Query[M]:
        """Return the query with the filters, the sort and the page of a request."""
        asked = query_params.query
        return msgspec.structs.replace(
            query,
            condition=both(query.condition, asked.condition),
            **({"grouping": asked.grouping, "projection": asked.projection} if query_params.is_grouped else {}),
            sort_keys=asked.sort_keys or query.sort_keys,
            max_rows=asked.max_rows,
            skip=asked.skip,
            position=asked.position,
        )

    def get_relationship_loader_options(self) -> Sequence[Any]:
        """Return the references to load with the records that are shown, as ``session.load`` takes them.

        References that nested schemas show are loaded without being named here.
        """
        return ()

    def to_response(self, found: object, shape: ResponseShape = ResponseShape.SINGLE) -> RecordResponse:
        """Return the answer for a record, a page of them, or nothing; its body is made when the method has returned.

        Headers can be set on it.
        """
        status = 204 if shape is ResponseShape.EMPTY else getattr(self.request.scope.get("route"), "status_code", None)
        return RecordResponse(found, shape, status or 200)

    def values_of(self, data: Input, *, is_new: bool) -> dict[str, Value]:
        """Return the values that the input has for fields of the model: for ``update``, only those that were sent."""
        return self.serving.values(self, data, is_new=is_new)

    def key_of(self, text: str) -> Key:
        """Return the key that a path segment names; raises Problem (404) where it can be none.

        ``text`` is the segment as the framework has decoded it, or as it was written.
        """
        return self.serving.key(segment_of(self.request.scope, text))

    def placed(self, response: RecordResponse, record: Record) -> RecordResponse:
        """Return an answer with the address of a new record in it."""
        if self.writes.plan is None:  # of a rehearsal there is no record
            response.headers["location"] = self.serving.address(address_of(self.request.scope), record)
        return response

    def replaced(self, record: Record, *, is_new: bool) -> RecordResponse:
        """Return the answer to a PUT: 201 with the address for a record that is new."""
        response = self.to_response(record)
        if is_new:
            response.status_code = 201
            collection = address_of(self.request.scope).rstrip("/").rpartition("/")[0]
            response.headers["location"] = self.serving.address(collection, record)
        return response

"""Values that the methods of a view take and return: actions, pages of a list, answers that are yet to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from starlette.responses import Response

from holdall.errors import CorruptRecord
from holdall.session import Estimate
from holdall.web.listing import Listing

__all__ = ["Action", "Input", "ListingResult", "RecordResponse", "ResponseShape"]

Input: TypeAlias = Any  # an instance of a schema that only the view knows, or Given

M = TypeVar("M")


class Action(StrEnum):
    """The actions that ``authorize`` and the hooks of a REST view are told; own ones are plain text beside them.

    >>> from holdall.web.views import Action
    >>> Action.CREATE == "create"
    True
    """

    GET_MANY = "get_many"
    GET_ONE = "get_one"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class ResponseShape(StrEnum):
    """The content of an answer: one record, a page of a list, results of many writes, or nothing.

    Example: :class:`AsyncRestView`.
    """

    SINGLE = "single"
    LISTING = "listing"
    BULK = "bulk"
    EMPTY = "empty"


class ListingResult(msgspec.Struct, Generic[M]):
    """A page of a list as ``get_many`` gives it.

    ``total_count`` is None where it was not asked for, and may be an estimate. ``query_params`` is the request that
    the page answers. ``broken`` has an error for each record of the page that cannot be read.

    >>> ListingResult(["Emma"], 1).objects
    ['Emma']
    """

    objects: Sequence[M]
    total_count: int | Estimate | None = None
    query_params: Listing | None = None
    broken: Sequence[CorruptRecord] = ()


class RecordResponse(Response):
    """An answer whose body is made when the method has returned and what it changed is committed.

    Headers can be set before that. Example: :class:`AsyncRestView`.
    """

    def __init__(self, found: object, shape: ResponseShape, status_code: int) -> None:
        super().__init__(b"", status_code)
        self.found: Any = found
        self.shape = shape

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Begin without headers: those of the body come with it."""
        self.raw_headers = []

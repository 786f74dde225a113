"""The REST store: somebody else's HTTP API as collections that can be read and written."""

from holdall.stores.rest.auth import ApiKey, Auth, Basic, Bearer, Custom
from holdall.stores.rest.call import Call
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.derive import Renamed, from_openapi
from holdall.stores.rest.errors import Refusals
from holdall.stores.rest.filters import Filters, Sorting
from holdall.stores.rest.limits import Rate, Retries
from holdall.stores.rest.opening import open_rest
from holdall.stores.rest.paging import Cursor, LastRecord, LinkHeader, Offset, PageSize
from holdall.stores.rest.store import RestStore
from holdall.stores.rest.versions import BodyVersion, ETags, TaggedVersion

__all__ = [
    "ApiKey",
    "Auth",
    "Basic",
    "Bearer",
    "BodyVersion",
    "Call",
    "Cursor",
    "Custom",
    "ETags",
    "Filters",
    "LastRecord",
    "LinkHeader",
    "Offset",
    "PageSize",
    "Rate",
    "Refusals",
    "Renamed",
    "RestCollection",
    "RestStore",
    "Retries",
    "Sorting",
    "TaggedVersion",
    "from_openapi",
    "open_rest",
]

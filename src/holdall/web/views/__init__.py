"""Views: classes of routes over records, which FastAPI applications include and whose methods can be replaced."""

from holdall.web.listing import Listing
from holdall.web.views.answers import Action, Input, ListingResult, RecordResponse, ResponseShape
from holdall.web.views.async_rest import AsyncRestView
from holdall.web.views.bracket import WriteAction
from holdall.web.views.forms import Given, writes
from holdall.web.views.include import include_view
from holdall.web.views.markers import IDRef, MustExist, ReadOnly, WriteOnly
from holdall.web.views.react_admin import AsyncReactAdminView, ReactAdminView
from holdall.web.views.routes import ViewRoute, delete, get, patch, post, put, route
from holdall.web.views.sync_rest import RestView
from holdall.web.views.view import View

__all__ = [
    "Action",
    "AsyncReactAdminView",
    "AsyncRestView",
    "Given",
    "IDRef",
    "Input",
    "Listing",
    "ListingResult",
    "MustExist",
    "ReactAdminView",
    "ReadOnly",
    "RecordResponse",
    "ResponseShape",
    "RestView",
    "View",
    "ViewRoute",
    "WriteAction",
    "WriteOnly",
    "delete",
    "get",
    "include_view",
    "patch",
    "post",
    "put",
    "route",
    "writes",
]

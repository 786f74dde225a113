"""The pages of the back office by the first part of their paths.

Every page raises Refused for what it does not show or do; the office answers with the status and the reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from starlette.responses import Response

from holdall.admin.described import Described
from holdall.admin.office import Page
from holdall.admin.pages.acts import act_page, bulk_page
from holdall.admin.pages.details import detail_page
from holdall.admin.pages.edits import edit_page, new_page
from holdall.admin.pages.files import export_page, file_page, lookup_page
from holdall.admin.pages.histories import access_page, history_page
from holdall.admin.pages.home import home_page
from holdall.admin.pages.lists import list_page
from holdall.admin.pages.logins import keys_page, login_page, logout_page, preferences_page
from holdall.admin.pages.operations import operations_page
from holdall.admin.pages.removals import delete_page
from holdall.admin.pages.saves import save_page
from holdall.admin.pages.selections import selection_page
from holdall.admin.visit import Refused, Visit

__all__ = ["PAGES"]


def _of_collection(page: Callable[[Visit, Described], Awaitable[Response]]) -> Page:
    """A page whose path goes on with a collection, and ends there."""

    async def answer(visit: Visit) -> Response:
        if len(visit.parts) != 1:
            raise Refused(404)
        return await page(visit, await visit.described(unquote(visit.parts[0])))

    return answer


def _of_record(page: Callable[[Visit, Described, str], Awaitable[Response]]) -> Page:
    """A page whose path goes on with a collection and a key, and ends there."""

    async def answer(visit: Visit) -> Response:
        if len(visit.parts) != 2:
            raise Refused(404)
        return await page(visit, await visit.described(unquote(visit.parts[0])), visit.parts[1])

    return answer


async def _data(visit: Visit) -> Response:
    page = _of_collection(list_page) if len(visit.parts) == 1 else _of_record(detail_page)
    return await page(visit)


PAGES: dict[str, Page] = {
    "": home_page,
    "login": login_page,
    "logout": logout_page,
    "preferences": preferences_page,
    "keys": keys_page,
    "data": _data,
    "new": _of_collection(new_page),
    "edit": _of_record(edit_page),
    "delete": _of_record(delete_page),
    "history": _of_record(history_page),
    "access": _of_record(access_page),
    "act": act_page,
    "bulk": _of_collection(bulk_page),
    "select": selection_page,
    "file": file_page,
    "export": export_page,
    "lookup": _of_collection(lookup_page),
    "save": _of_collection(save_page),
    "operations": operations_page,
}

"""One request for a page: its user, the collections as this user sees them, and how pages are made and linked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdall.admin.described import Described
from holdall.admin.gate import FORM_TOKEN
from holdall.admin.inner import Answer
from holdall.admin.options import allows
from holdall.admin.site import Site
from holdall.admin.words import Words, language_of, zone_of
from holdall.policy import User
from holdall.query import Value
from holdall.web.asgi import address_of, address_of_root

__all__ = ["CHOSEN", "SAID", "Refused", "Visit"]


CHOSEN = "office-chosen"
"""The cookie that has the language, the time zone and the look that somebody chose."""

SAID = {
    "created": "The record was made.",
    "saved": "Saved.",
    "unchanged": "Nothing was changed, and nothing saved.",
    "removed": "The record was removed.",
    "done": "Done.",
    "begun": "It has begun.",
    "nothing": "No record was chosen.",
    "kept": "The list was saved.",
    "forgotten": "The saved list was forgotten.",
    "nameless": "Nothing was saved: a saved list has a name.",
}


class Refused(Exception):
    """A page that is not to be had: the status, and why in words."""

    def __init__(self, status: int, detail: str = "", answer: Answer | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.answer = answer


class Visit:
    """One request. ``parts`` are the percent-encoded segments of its path. Example: ``docs/back-office.md``."""

    def __init__(self, site: Site, request: Request, user: User, parts: list[str]) -> None:
        self.site = site
        self.request = request
        self.user = user
        self.parts = parts
        self.root = address_of_root(request.scope)
        self.cookie, self.is_new_cookie = site.gate.page_cookie(request)
        self.forms = list[FormData]()
        self._described: dict[str, Described | None] = {}

    # --- who and how --------------------------------------------------------------------------------------------------

    @cached_property
    def words(self) -> Words:
        """The language and the time zone of who reads."""
        chosen, settings = self._chosen, self.site.settings
        language = language_of(
            chosen.get("language"), self.request.headers.get("accept-language", ""), settings.language
        )
        return Words(language, zone_of(chosen.get("zone"), settings.zone))

    @cached_property
    def _chosen(self) -> dict[str, str]:
        return dict(parse_qsl(self.request.cookies.get(CHOSEN, "")[:300]))

    @property
    def look(self) -> str:
        """Light or dark, where somebody chose; else as the system has it."""
        chosen = self._chosen.get("look", "auto")
        return chosen if chosen in ("light", "dark") else "auto"

    @property
    def has_keys(self) -> bool:
        """Whether single keys do something on pages; a reader may have them off."""
        return self._chosen.get("keys", "on") != "off"

    @property
    def token(self) -> str:
        """The token for the forms of this page."""
        return self.site.gate.token(self.request, self.cookie)

    @property
    def is_operator(self) -> bool:
        """Whether the pages of stores, commits, events and accounts are for this user."""
        return allows(self.site.settings.operators, self.user)

    def demand_token(self, form: Mapping[str, object]) -> None:
        """Raise Refused unless a form is one of ours."""
        if not self.site.gate.holds(self.request, form.get(FORM_TOKEN)):
            raise Refused(403, self.words("This form is not, or no longer, one of this site. Load the page again."))

    @property
    def said(self) -> str:
        """The deed of the form that led here, in words; an address can say nothing else."""
        return self.words(SAID.get(self.request.query_params.get("_said", ""), ""))

    # --- asking -------------------------------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, **given: Value) -> Answer:
        """Ask the service for the user."""
        return await self.site.inner.call(self.user, method, path, **given)

    async def demand(self, method: str, path: str, **given: Value) -> Answer:
        """Ask, and raise Refused where the service refuses."""
        answer = await self.ask(method, path, **given)
        if not answer.is_good:
            raise Refused(answer.status, answer=answer)
        return answer

    @cached_property
    def shown_collections(self) -> dict[str, Mapping[str, bool]]:
        """The rights in the collections that this user may do something with, once they were asked for."""
        return {}

    async def look_around(self) -> None:
        """Ask which collections there are for the user."""
        for each in (await self.demand("GET", "/_meta")).json["collections"]:
            self.shown_collections[each["name"]] = each["rights"]

    async def described(self, collection: str) -> Described:
        """A collection as the user sees it. Raises Refused where there is none for him."""
        found = await self.described_if_any(collection)
        if found is None:
            raise Refused(404)
        return found

    async def described_if_any(self, collection: str) -> Described | None:
        """A collection as the user sees it, None where there is none for him."""
        if collection not in self._described:
            made = None
            if collection in self.shown_collections:
                answer = await self.ask("GET", f"/{quote(collection)}/_meta")
                if answer.is_good:
                    made = Described(answer.json, self.site.view_of(collection))
            self._described[collection] = made
        return self._described[collection]

    # --- answering ----------------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The path of the request, percent-encoded as it came."""
        raw: bytes = self.request.scope.get("raw_path") or b""
        came = raw.decode("latin-1").partition("?")[0]
        return came if came.startswith(f"{self.root}/") else address_of(self.request.scope)

    def url(self, *parts: str, **query: str) -> str:
        """The path of a page; parts are percent-encoded by who gives them, where they are keys."""
        path = "/".join([self.root, *parts]) if parts else f"{self.root}/"
        return f"{path}?{urlencode(query)}" if query else path

    def page(self, name: str, status: int = 200, **values: Value) -> Response:
        """A page made of a template."""
        text = self.site.render(name, visit=self, _=self.words, **values)
        return Response(text, status, media_type="text/html")

    def go(self, *parts: str, **query: str) -> Response:
        """Send the browser to another page, by GET."""
        return RedirectResponse(self.url(*parts, **query), 303)

    def go_to(self, address: str) -> Response:
        """Send the browser to a path of the back office, by GET."""
        return RedirectResponse(address, 303)

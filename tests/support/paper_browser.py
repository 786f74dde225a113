"""A browser without scripts, in the same process: it keeps cookies, reads forms and links, and sends forms."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, TypeAlias
from urllib.parse import urlencode, urljoin

import msgspec

from holdall.testing.client import Answer, Client

__all__ = ["Form", "Page", "PaperBrowser"]

Inputs: TypeAlias = dict[str, list[str]]


class Form(msgspec.Struct):
    """A form of a page: where it goes, and the texts of its inputs as they would be sent."""

    method: str
    action: str
    inputs: Inputs
    buttons: list[tuple[str, str]]
    kind: str = ""

    def filled(self, **texts: Any) -> Inputs:
        """The inputs, some with other texts: ``f_title`` is the input ``f.title``; None takes one away."""
        found = {name: list(values) for name, values in self.inputs.items()}
        for name, value in texts.items():
            place = name.replace("f_", "f.", 1) if name.startswith("f_") else name
            if value is None:
                found.pop(place, None)
            else:
                found[place] = value if isinstance(value, list) else [value]
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._open: Form | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: str | None = None
        self._link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        has = dict(attrs).keys()
        match tag:
            case "form":
                self._open = Form(given.get("method", "get"), given.get("action", ""), {}, [], given.get("enctype", ""))
                self.forms.append(self._open)
            case "input" if self._open is not None and given.get("name"):
                is_box = given.get("type") in ("checkbox", "radio")
                if given.get("type") != "file" and (not is_box or "checked" in has):
                    self._open.inputs.setdefault(given["name"], []).append(given.get("value", ""))
            case "button" if self._open is not None and given.get("name"):
                self._open.buttons.append((given["name"], given.get("value", "")))
            case "select" if self._open is not None:
                self._select = given.get("name", ""), []
            case "option" if self._select is not None:
                self._select[1].append((given.get("value", ""), "selected" in has))
            case "textarea":
                self._area = given.get("name", "")
                if self._open is not None:
                    self._open.inputs[self._area] = [""]
            case "a":
                self._link = given.get("href", "")
                self.links.append((self._link, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "a":
            self._link = None
        if tag == "textarea" and self._open is not None and self._area is not None:
            self._open.inputs[self._area] = [self._open.inputs[self._area][0].removeprefix("\n")]
            self._area = None
        if tag == "select" and self._select is not None and self._open is not None:
            name, options = self._select
            chosen = [value for value, is_chosen in options if is_chosen] or [value for value, _ in options[:1]]
            self._open.inputs[name] = chosen
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._open is not None:
            self._open.inputs[self._area][0] += data
            return
        self.text.append(data)
        if self._link is not None:
            href, text = self.links[-1]
            self.links[-1] = href, text + data


class Page(msgspec.Struct):
    """A page: its status, its text, its forms and links."""

    status: int
    headers: dict[str, str]
    html: str
    text: str
    forms: list[Form]
    links: list[tuple[str, str]]
    address: str

    def form(self, end: str = "") -> Form:
        """The form that goes to an address with this end, else the last one of the page."""
        fit = [each for each in self.forms if each.action.endswith(end)] if end else self.forms
        return fit[-1]

    def link(self, text: str) -> str:
        """The address that a link with this text leads to."""
        return next(href for href, told in self.links if told.strip() == text)


class PaperBrowser:
    """Asks an application for pages."""

    def __init__(self, app: Any, **headers: str) -> None:
        self._client = Client(app)
        self._headers = {name.replace("_", "-"): text for name, text in headers.items()}
        self.cookies: dict[str, str] = {}

    async def send(self, method: str, address: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request with the cookies that there are."""
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        given = self._headers | cookie | {name.replace("_", "-"): text for name, text in headers.items()}
        answer = await self._client.request(method, address, body=body, headers=given)
        if "set-cookie" in answer.headers:
            name, _, rest = answer.headers["set-cookie"].partition("=")
            value = rest.partition(";")[0]
            if "Max-Age=0" in rest:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    async def open(self, address: str) -> Page:
        """Open a page, wherever its address leads."""
        return await self._page(await self.send("GET", address), address)

    async def submit(self, page: Page, inputs: Inputs, end: str = "") -> Page:
        """Send a form of a page with these inputs."""
        form = page.form(end)
        address = urljoin(page.address, form.action) if form.action else page.address.partition("?")[0]
        if form.method.lower() == "get":
            return await self.open(f"{address}?{urlencode(inputs, doseq=True)}")
        if not form.action:
            address = page.address
        kind = "application/x-www-form-urlencoded"
        answer = await self.send("POST", address, urlencode(inputs, doseq=True).encode(), content_type=kind)
        return await self._page(answer, address)

    async def log_in(self, login: str, password: str, address: str = "/admin/") -> Page:
        """Open a page and log in where it asks for it."""
        page = await self.open(address)
        return await self.submit(page, page.form("login").filled(login=login, password=password), "login")

    async def _page(self, answer: Answer, address: str) -> Page:
        for _ in range(5):
            if answer.status not in (302, 303, 307):
                break
            address = urljoin(address, answer.headers["location"])
            answer = await self.send("GET", address)
        reader = _Reader()
        html = answer.body.decode()
        reader.feed(html)
        text = " ".join("".join(reader.text).split())
        return Page(answer.status, answer.headers, html, text, reader.forms, reader.links, address)

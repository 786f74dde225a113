"""The page at ``/``: what this service is, as HTML for people and as JSON for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from holdall.query import Value
from holdall.session import Binding
from holdall.web.asgi import address_of_root
from holdall.web.no_method import no_method
from holdall.web.options import Options
from holdall.web.reply import send_reply
from holdall.web.rights import has_any_right

__all__ = ["add_first_page"]

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {"vary": "accept", "cache-control": "private, no-cache"}
_READS = ("GET", "HEAD")
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<ul>
{links}
</ul>
</body>
</html>
"""


def add_first_page(service: FastAPI, collections: Mapping[str, Binding], options: Options) -> None:
    """Serve the page at ``/``, where neither the host nor a collection has one of its own.

    Collections are named to those who may do something there, and to unknown users whom a login might help.
    """
    other = {"openapi": "/openapi.json"} | ({"docs": "/docs"} if options.docs else {})

    async def first_page(request: Request) -> Response:
        root = address_of_root(request.scope)
        user = await options.user_of(request.scope)
        paths = {name: f"{root}/{name}" for name, binding in collections.items() if has_any_right(binding, user)}
        links = {name: root + path for name, path in other.items()}
        if not _wants_html(request.headers.get("accept", "")):
            return JSONResponse({"name": service.title, "collections": paths, **links}, headers=_HEADERS)
        items = "\n".join(
            f'<li><a href="{escape(path)}">{escape(name)}</a></li>' for name, path in [*paths.items(), *links.items()]
        )
        page = _PAGE.format(title=escape(service.title), links=items)
        return HTMLResponse(page, headers={"content-security-policy": _POLICY} | _HEADERS)

    service.router.default = _behind(service.router.default, first_page)


def _wants_html(accept: str) -> bool:
    """Whether a client takes HTML, with a weight above zero (RFC 9110, section 12.4.2)."""
    for item in accept.lower().split(","):
        name, *parameters = [part.strip() for part in item.split(";")]
        if name == "text/html":
            return not any(_NO_WEIGHT.fullmatch(parameter) for parameter in parameters)
    return False


def _behind(default: Value, page: Any) -> Any:
    """Answer ``/`` where no route does, so that a route of the host goes first whenever it is added."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        root = scope.get("root_path", "").rstrip("/")
        is_first = scope["type"] == "http" and scope["path"].removeprefix(root) in ("", "/")
        if not is_first:
            await default(scope, receive, send)
        elif scope["method"] in _READS:
            await (await page(Request(scope, receive)))(scope, receive, send)
        else:
            await send_reply(send, no_method(scope["method"], _READS), is_head=False)

    return answer

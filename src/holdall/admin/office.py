"""The back office as an application below the service: pages by their names, errors, and the frame of starlette-admin.

starlette-admin gives the frame: it is mounted, has the menu's templates, styles, icons and fonts, and serves them from
this host. Its own pages need scripts within the page, count all records and page by number; ours take their place, so
that pages are read without scripts, under a strict policy, by cursors (``docs/decisions/back-office.md``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import quote, unquote

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette_admin.base import BaseAdmin
from starlette_admin.theme import DefaultTheme, TablerSettings

from holdall.admin.gate import PAGE_COOKIE, protected
from holdall.admin.login_form import login_form
from holdall.admin.menu import menu_of
from holdall.admin.options import Admin, allows
from holdall.admin.site import Site
from holdall.admin.visit import Refused, Visit
from holdall.errors import HoldallError
from holdall.web.asgi import root_of
from holdall.web.problem import failure_of, problem_of
from holdall.web.service import Service

__all__ = ["Office", "Page"]

Page: TypeAlias = Callable[[Visit], Awaitable[Response]]

_WITHOUT_LOGIN = ("login",)


class _Compiled(BytecodeCache):
    """The templates that this process has compiled, for every back office in it."""

    def __init__(self) -> None:
        self._found: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._found:
            bucket.bytecode_from_string(self._found[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._found[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Office:
    """The back office of one service. Example: ``docs/back-office.md``."""

    def __init__(self, service: Service, settings: Admin, pages: dict[str, Page]) -> None:
        frame = _frame(settings, settings.title or service.holdall.name)
        self.site = Site(service, settings, frame.templates.env)
        self._pages = pages
        frame.templates.env.globals["menu_of"] = menu_of
        frame.templates.env.bytecode_cache = _COMPILED
        frame.routes = [
            *(route for route in frame.routes if isinstance(route, Mount) and route.path == "/static"),
            Route("/{path:path}", self.answer, methods=["GET", "POST"]),
        ]
        frame.mount_to(service)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        visit = Visit(self.site, request, await self.site.gate.user_of(request), _parts(request))
        try:
            response = await self._page(visit)
        except Refused as refused:
            response = _refused(visit, refused)
        except HTTPException as error:
            response = _refused(visit, Refused(error.status_code, visit.words(error.detail)))
        except HoldallError as error:
            problem = problem_of(error) or failure_of(request.scope, error)
            response = _refused(visit, Refused(problem.status, visit.words(problem.detail)))
        finally:
            for form in visit.forms:
                await form.close()
        if visit.is_new_cookie:
            cookie = f"{PAGE_COOKIE}={visit.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
            response.headers.append("set-cookie", cookie)
        return protected(response)

    async def _page(self, visit: Visit) -> Response:
        name = visit.parts.pop(0) if visit.parts else ""
        page = self._pages.get(name)
        if name in _WITHOUT_LOGIN and page is not None:
            return await page(visit)
        if not allows(self.site.settings.enter, visit.user):
            if visit.user.is_authenticated:
                raise Refused(403)
            return await login_form(visit)
        if page is None:
            raise Refused(404)
        await visit.look_around()
        return await page(visit)


def _refused(visit: Visit, refused: Refused) -> Response:
    """The page that says why there is no other."""
    answer = refused.answer
    problem = answer.json if answer is not None and "problem" in answer.headers.get("content-type", "") else {}
    status = refused.status if 400 <= refused.status < 600 else 500
    detail = refused.detail or str(problem.get("detail", ""))
    return visit.page("refused.html", status, number=status, detail=detail, problem=problem)


def _parts(request: Request) -> list[str]:
    """The segments of the path behind that of the back office, percent-encoded."""
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    path, root = raw.decode("latin-1").partition("?")[0], root_of(request.scope)
    above = root.count("/") if f"{unquote(path)}/".startswith(f"{root}/") else 0
    return [part for part in path.split("/")[1 + above :] if part]


def _frame(settings: Admin, title: str) -> BaseAdmin:
    own = files("holdall.admin")
    frame = BaseAdmin(
        title=title,
        base_url=settings.path,
        route_name="holdall-back-office",
        # Admin() has refused all but the names of Tabler's colours
        theme=DefaultTheme(TablerSettings(base="slate", primary=settings.colour, radius=1)),  # type: ignore[arg-type]
        templates_dir=str(own.joinpath("templates")),
        static_dir=str(own.joinpath("static")),
        secret_key="unused: our gate has the tokens of forms",  # noqa: S106
        timezone_config=None,
    )
    frame.middlewares = []
    return frame

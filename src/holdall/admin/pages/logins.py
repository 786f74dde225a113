"""Logging in and out with the accounts of the application, and what each reader chooses for himself."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from holdall.admin.drafts import RESUMED, read_form
from holdall.admin.forms import typed
from holdall.admin.login_form import login_form
from holdall.admin.options import LANGUAGES
from holdall.admin.visit import CHOSEN, Refused, Visit
from holdall.admin.words import zone_of
from holdall.users.authenticator import session_token
from holdall.web.login_answers import with_session, without_session

__all__ = ["KEYS", "keys_page", "login_page", "logout_page", "preferences_page"]

KEYS = (
    ("?", "this page"),
    ("g", "to the first page"),
    ("/", "search in the list"),
    ("f", "add a filter"),
    ("s", "save this list under a name"),
    ("n", "new record"),
    ("j", "next row of the list; Enter opens its record"),
    ("k", "row before"),
    ("x", "choose the row, or not"),
    (".", "next page"),
    (",", "page before"),
    ("e", "edit the record"),
    ("h", "history of the record"),
    ("Ctrl+S", "save the form"),
    ("Esc", "close a dialog or a list of suggestions"),
)
"""Keys, and what each does; ``admin/static/keys.js`` heeds them."""

_YEAR = 31_536_000  # seconds
_LOOKS = ("auto", "light", "dark")


async def login_page(visit: Visit) -> Response:
    """``/login``: the form, and by POST a session; what was typed before the last one ended is shown again."""
    site, request = visit.site, visit.request
    if request.method != "POST":
        return await login_form(visit, status=200, back=visit.url(), draft="")
    sent = typed(await read_form(visit, site.limits.max_body * 2))
    visit.demand_token(sent.own)
    back, draft = _inside(visit, sent.own.get("_back", "")), sent.own.get("_draft", "")
    login, password = sent.own.get("login", ""), sent.own.get("password", "")
    found = None if site.users is None else await site.users.login(login[:200], password[:1_000])
    if found is None:
        return await login_form(visit, failed=True, back=back, draft=draft, login=login[:200])
    if not draft:
        return with_session(visit.go_to(back), found.token)
    token = site.gate.token_for(visit.cookie, found.token)
    answer = visit.page("resume.html", back=back, draft=draft, token=token, resumed=RESUMED)
    return with_session(answer, found.token)


async def logout_page(visit: Visit) -> Response:
    """``/logout``, by POST: the session is over."""
    sent = typed(await read_form(visit, visit.site.limits.max_body))
    visit.demand_token(sent.own)
    token = session_token(visit.request.headers.get("cookie", ""))
    if token is not None and visit.site.users is not None:
        await visit.site.users.logout(token)
    return without_session(visit.go("login"))


async def preferences_page(visit: Visit) -> Response:
    """``/preferences``: language, time zone, light or dark; kept in cookies of this browser."""
    if visit.request.method != "POST":
        return visit.page("preferences.html", languages=LANGUAGES, looks=_LOOKS)
    sent = typed(await read_form(visit, visit.site.limits.max_body))
    visit.demand_token(sent.own)
    chosen = {
        "language": sent.own.get("language", ""),
        "look": sent.own.get("look", ""),
        "zone": zone_of(sent.own.get("zone", ""), ""),
        "keys": "on" if sent.own.get("keys") else "off",
    }
    if chosen["language"] not in LANGUAGES or chosen["look"] not in _LOOKS or not chosen["zone"]:
        raise Refused(422, visit.words("There is no such language, look or time zone."))
    answer = visit.go("preferences", _said="saved")
    answer.set_cookie(CHOSEN, urlencode(chosen), max_age=_YEAR, secure=True, httponly=True, samesite="lax", path="/")
    return answer


async def keys_page(visit: Visit) -> Response:
    """``/keys``: the keys that do something on pages."""
    return visit.page("keys.html", keys=KEYS)


def _inside(visit: Visit, back: str) -> str:
    """A path of the back office; its first page for any other address."""
    parts = urlsplit(back) if back.isprintable() and "\\" not in back else None
    is_inside = parts is not None and not parts.netloc and not parts.scheme and back.startswith(f"{visit.root}/")
    return back if is_inside else visit.url()

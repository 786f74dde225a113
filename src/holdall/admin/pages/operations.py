"""Pages for those who run the application: stores, commits that are not over, the outbox, accounts."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from holdall.admin.described import segment
from holdall.admin.drafts import read_form
from holdall.admin.forms import typed
from holdall.admin.menu import OPERATIONS, has_operation
from holdall.admin.visit import Refused, Visit
from holdall.errors import HoldallError, QueryError
from holdall.query import Json, Key, Value
from holdall.users import Users

__all__ = ["operations_page"]

_MOST = 200  # lines of a page


async def operations_page(visit: Visit) -> Response:
    """``/operations/stores`` and the others, by operators alone."""
    if not visit.is_operator:
        raise Refused(404)
    name = visit.parts[0] if len(visit.parts) == 1 else ""
    if not has_operation(visit, name):
        raise Refused(404)
    failed = ""
    secret: list[str] = []
    if visit.request.method == "POST":
        sent = typed(await read_form(visit, visit.site.limits.max_body))
        visit.demand_token(sent.own)
        try:
            await _done(visit, name, sent.own, secret)
        except HoldallError as error:
            failed = str(error)
        if not failed and not secret:
            login = visit.request.query_params.get("login", "")
            return visit.go(
                "operations",
                name,
                _said="begun" if _begins(name, sent.own) else "done",
                **({"login": login} if login else {}),
            )
    return await _shown(visit, name, failed, secret)


def _begins(name: str, given: dict[str, str]) -> bool:
    """Whether a button begins work that goes on behind the page."""
    return name == "fsck" or (name == "jobs" and given.get("_do") in ("start", "resume"))


async def _shown(visit: Visit, name: str, failed: str, secret: list[str]) -> Response:
    app, status = visit.site.app, 409 if failed else 200
    told = {"failed": failed, "title": visit.words(OPERATIONS[name])}
    match name:
        case "stores":
            health = await app.health()
            stores = [(each, app.stores[each].capabilities, found) for each, found in health.stores.items()]
            return visit.page("stores.html", status, stores=stores, **told)
        case "commits":
            found = await app.recovery.unfinished()
            return visit.page("commits.html", status, commits=found[:_MOST], number=len(found), **told)
        case "outbox":
            entries = []
            async for entry in app.outbox.entries():
                entries.append(entry)
                if len(entries) >= _MOST:
                    break
            return visit.page("outbox.html", status, entries=entries, is_cut=len(entries) >= _MOST, **told)
        case "jobs":
            latest = await app.jobs.latest(_MOST)
            under_way = any(each.state in ("planning", "running") for each in latest)
            return visit.page("jobs.html", status, jobs=latest, names=app.jobs.names, under_way=under_way, **told)
        case "fsck":
            return visit.page("fsck.html", status, check=visit.site.check, segment_of=_segment_of, **told)
    users = _users(visit)
    after = visit.request.query_params.get("after", "")[:200]
    accounts = await users.accounts(after=after, limit=50)
    login = visit.request.query_params.get("login", "")[:200]
    tokens = await users.tokens(login) if login else []
    return visit.page("accounts.html", status, accounts=accounts, secret=secret, login=login, tokens=tokens, **told)


async def _done(visit: Visit, name: str, given: dict[str, str], secret: list[str]) -> None:
    """Do what a button says. Raises Refused for what no button says, HoldallError where it did not work."""
    app, act, item = visit.site.app, given.get("_do", ""), given.get("_item", "")
    match name, act:
        case "commits", "resolve":
            await app.recovery.resolve(item)
        case "commits", "retry":
            await app.recovery.retry(item)
        case "commits", "compensate":
            await app.recovery.compensate(item)
        case "commits", "accept":
            await app.recovery.accept(item)
        case "outbox", "retry":
            await app.outbox.retry(item)
        case "outbox", "drop":
            await app.outbox.drop(item)
        case "outbox", "deliver":
            await app.outbox.deliver()
        case "jobs", "start":
            job = await app.jobs.start(item, **_inputs(visit, given.get("inputs", "")))
            visit.site.jobs.begin(app.jobs.run(job))
        case "jobs", "cancel":
            await app.jobs.cancel(item)
        case "jobs", "resume":
            await app.jobs.show(item)
            visit.site.jobs.begin(app.jobs.resume(item))
        case "fsck", "check" | "repair":
            visit.site.check.begin(app, repair=act == "repair")
        case "accounts", _:
            await _account(visit, act, item, given, secret)
        case _:
            raise Refused(404)


def _segment_of(key: Key) -> str:
    return segment(key if isinstance(key, list | tuple) else [key])


def _inputs(visit: Visit, text: str) -> dict[str, Json]:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Value])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise QueryError(visit.words("The inputs are a JSON object.")) from None


async def _account(visit: Visit, act: str, login: str, given: dict[str, str], secret: list[str]) -> None:
    users = _users(visit)
    roles = [role for role in given.get("roles", "").replace(",", " ").split() if role]
    match act:
        case "add":
            await users.add(login, given.get("password") or None, roles=roles)
        case "roles":
            await users.set_roles(login, roles)
        case "password":
            await users.change_password(login, given.get("password", ""))
        case "reset":
            secret.append(await users.issue_reset(login))
        case "activate" | "deactivate":
            await users.set_active(login, act == "activate")
        case "revoke":
            await users.revoke_token(login, given.get("token", ""))
        case "token":
            secret.append(await users.issue_token(login, given.get("name", "")[:100]))
        case _:
            raise Refused(404)


def _users(visit: Visit) -> Users:
    if visit.site.users is None:
        raise Refused(404)
    return visit.site.users

"""Two offices that differ only in what a user may not read, and random visits to their back offices."""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import urlencode

from holdall import Everyone
from holdall.admin import Admin, Chart, Counter
from holdall.admin.gate import FORM_TOKEN, PAGE_COOKIE
from holdall.testing.client import Client
from tests.support.office import who
from tests.support.policy_worlds import Worlds, request

__all__ = ["BackOfficeWorlds"]

_COOKIE = "c" * 40
_FAILURE = re.compile(rb"urn:uuid:[0-9a-f-]+")
_DASHBOARD = (
    Counter("Docs", "docs"),
    Counter("Margins", "docs", aggregate="margin.sum"),
    Chart("By team", "docs", group="team.name"),
    Chart("Budgets", "teams", group="name", aggregate="budget.sum"),
)


class BackOfficeWorlds(Worlds):
    """Two worlds that are visited by their pages alone."""

    def clients_made(self) -> list[Any]:
        """The back offices, for users of every kind."""
        settings = Admin(enter=Everyone, dashboard=_DASHBOARD)
        return [app.asgi(authenticate=who, docs=False, secret=b"s" * 32, admin=settings) for app in self.apps]

    async def differing_visits(self, chance: random.Random, number: int) -> list[str]:
        """The visits that are answered otherwise in the one world than in the other."""
        found, services = list[str](), self.clients_made()
        token = services[0].back_office.site.gate.token_for(_COOKIE, "")
        for _ in range(number):
            method, address, form = visit(chance)
            body = urlencode({FORM_TOKEN: token, **form}, doseq=True).encode() if method == "POST" else b""
            headers = {"x-user": self.user, "cookie": f"{PAGE_COOKIE}={_COOKIE}"}
            headers |= {"content-type": "application/x-www-form-urlencoded"} if body else {}
            before, answers = self.calls(), []
            for service in services:
                answer = await Client(service).request(method, address, body=body, headers=headers)
                told = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
                answers.append((answer.status, sorted(told.items()), _FAILURE.sub(b"", answer.body)))
            made = [after - earlier for after, earlier in zip(self.calls(), before, strict=True)]
            if answers[0] != answers[1] or made[0] != made[1]:
                found.append(f"{method} {address} {form}: {made}")
        return found


def visit(chance: random.Random) -> tuple[str, str, dict[str, str]]:
    """A random visit: method, address, form."""
    _, path, body, _ = request(chance)
    collection, _, rest = path[1:].partition("?")
    name, _, key = collection.partition("/")
    key = key.partition("/")[0] or str(chance.choice([1, 2, 3, 20, 35, 99]))
    kind = chance.random()
    if kind < 0.4:
        page = chance.choice(["data", "data", "data", "export", "bulk", "lookup"])
        if page == "export":
            return "GET", f"/admin/export/{name}/csv?{rest}", {}
        if page == "bulk":
            act = chance.choice(["delete", "act.tell", "act.close", "act.audit"])
            return (
                "GET",
                f"/admin/bulk/{name}?{rest}&_act={act}&_which={chance.choice(['all', 'chosen'])}&_key={key}",
                {},
            )
        if page == "lookup":
            return "GET", f"/admin/lookup/{name}?q={chance.choice(['', 'a', 'b', 'x', '1', '20'])}", {}
        return "GET", f"/admin/data/{name}?{rest}", {}
    if kind < 0.75:
        page = chance.choice(["data", "data", "edit", "delete", "history", "access", "act", "select", "home"])
        addresses = {
            "act": f"/admin/act/docs/{chance.choice(['peek', 'close', 'audit', 'zzz'])}/{key}",
            "select": f"/admin/select/docs/{chance.choice(['papers', 'margins', 'titled', 'zzz'])}",
            "home": "/admin/",
        }
        return "GET", addresses.get(page, f"/admin/{page}/{name}/{key}"), {}
    given = body if isinstance(body, dict) else {"title": "b", "margin": 3, "team": 5}
    form = {f"f.{each}": "" if value is None else str(value) for each, value in given.items()}
    form |= {f"f.{each}(form)": "1" for each in given}
    if kind < 0.85:
        new = str(chance.randrange(50, 54))  # a key that a hidden record has is refused, as it must be
        return "POST", f"/admin/new/{name}", form | {"f.id": new, "f.id(form)": "1"}
    if kind < 0.95:
        return "POST", f"/admin/edit/{name}/{key}", form | {"_tag": "", "_before": '{"title": "a", "pages": 3}'}
    return "POST", f"/admin/delete/{name}/{key}", {"_tag": chance.choice(["", '"x"'])}

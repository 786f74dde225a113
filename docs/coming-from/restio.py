"""Companies and their employees behind somebody's HTTP API, as with restio: DAOs, a session, queries written by hand.

Run it with ``python docs/coming-from/restio.py``; it serves the API itself, on a free port of this machine.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from holdall import Frozen, Holdall, Model, Ref, Session, State, field, state_of
from holdall.dao import DAO, SessionState, Strategy, TaskState, query
from holdall.errors import CommitPartial, Conflict, Unsupported

# --- the models: what restio declares with IntField(pk=True), StrField(), ModelField(Company) ------------------------


class Company(Model):
    key: int = field(pk=True, generated=True, default=None, frozen=Frozen.ALWAYS)
    name: str


class Employee(Model):
    key: int = field(pk=True, generated=True, default=None, frozen=Frozen.ALWAYS)
    name: str
    age: int = field(ge=18)
    address: str = "Brazil"
    company: Ref[Company] = field(frozen=Frozen.UPDATE)


# --- the DAOs: each speaks to the API for one model ----------------------------------------------------------------


class Client:
    """The API as its owner offers it: it knows dictionaries and paths, and nothing of models."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self.calls: list[str] = []

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON that is answered, None for 404; raises Conflict where the API says so."""
        self.calls.append(f"{method} {path}")
        async with self._http.request(method, self._base + path, json=body) as answer:
            if answer.status == 404:
                return None
            if answer.status == 409:
                raise Conflict("api", await answer.text())
            answer.raise_for_status()
            return await answer.json()

    async def close(self) -> None:
        await self._http.close()


class CompanyDAO(DAO[Company]):
    """Without ``update``: companies do not change their names here."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def get(self, *, key: int) -> Company | None:
        found = await self.client.call("GET", f"/companies/{key}")
        return None if found is None else Company(**found)

    async def add(self, company: Company) -> None:
        made = await self.client.call("POST", "/companies", {"name": company.name})
        company.key = made["key"]  # a frozen field: a DAO may write it

    async def remove(self, company: Company) -> None:
        await self.client.call("DELETE", f"/companies/{company.key}")


class EmployeeDAO(DAO[Employee]):
    def __init__(self, client: Client) -> None:
        self.client = client

    async def get(self, *, key: int) -> Employee | None:
        found = await self.client.call("GET", f"/employees/{key}")
        return None if found is None else Employee(**found)  # "company" is a key here, which is enough

    async def add(self, employee: Employee) -> None:
        company = await employee.company
        body = {"name": employee.name, "age": employee.age, "address": employee.address, "company": company.key}
        made = await self.client.call("POST", "/employees", body)
        employee.key = made["key"]

    async def update(self, employee: Employee) -> None:
        changed = {name: getattr(employee, name) for name in ("name", "age", "address")}
        body = {name: value for name, value in changed.items() if employee.is_field_modified(name)}
        await self.client.call("PATCH", f"/employees/{employee.key}", body)

    async def remove(self, employee: Employee) -> None:
        await self.client.call("DELETE", f"/employees/{employee.key}")


@query
async def employees_of(session: Session, company: int, *, over: int = 0) -> list[Employee]:
    """Everyone who works there; the session gives itself."""
    dao = session.get_dao(Employee)
    assert isinstance(dao, EmployeeDAO)
    found = await dao.client.call("GET", f"/companies/{company}/employees")
    return [Employee(**item) for item in found if item["age"] > over]


# --- at work -------------------------------------------------------------------------------------------------------


async def reading(app: Holdall, client: Client) -> None:
    async with app.session() as s:
        ann, again = await asyncio.gather(s.get(Employee, key=1), s.get(Employee, key=1))
        assert ann is not None
        assert ann is again
        company = await ann.company
        assert company.name == "Initech"
        assert await s.get(Employee, key=99) is None  # restio raises here: that is s.require(...)
        assert client.calls == ["GET /employees/1", "GET /companies/1", "GET /employees/99"]

        client.calls.clear()
        staff = await s.query(employees_of(1))
        assert staff[0] is ann
        assert await s.query(employees_of(company=1, over=0)) == staff
        assert [employee.name for employee in await s.query(employees_of(1, over=35))] == ["Ann"]
        await s.query(employees_of(1), force=True)
        assert client.calls == ["GET /companies/1/employees"] * 3


async def writing(app: Holdall, client: Client) -> None:
    async with app.session() as s:
        hooli = s.add(Company(name="Hooli"))
        cid = s.add(Employee(name="Cid", age=50, company=hooli))
        ann = await s.require(Employee, key=1)
        ann.age += 1
        client.calls.clear()
        print(s.plan())
        result = await s.commit()
        assert [str(task.verb) for task in result.tasks].count("add") == 2
        assert sorted(client.calls) == ["PATCH /employees/1", "POST /companies", "POST /employees"]
        assert client.calls.index("POST /companies") < client.calls.index("POST /employees")
        assert await s.get(Employee, key=cid.key) is cid
        assert (state_of(cid), s.state) == (State.CLEAN, SessionState.STANDBY)

    # What refers goes before what it refers to.
    async with app.session() as s:
        hooli = await s.require(Company, key=hooli.key)
        cid = await s.require(Employee, key=cid.key)
        client.calls.clear()
        s.remove(hooli)
        s.remove(cid)
    assert client.calls == [f"DELETE /employees/{cid.key}", f"DELETE /companies/{hooli.key}"]

    async with app.session() as s:
        company = await s.require(Company, key=1)
        company.name = "Initrode"
        try:
            await s.commit()
        except Unsupported as error:
            print(error)  # CompanyDAO.update is not defined
        s.rollback()
        assert company.name == "Initech"


async def failing(app: Holdall, client: Client) -> None:
    async with app.session(strategy=Strategy.CONTINUE_ON_ERROR) as s:
        taken = s.add(Company(name="Initech"))
        fresh = s.add(Company(name="Globex"))
        result = await s.commit(raise_for_status=False)
        states = {task.record.name: task.state for task in result.tasks}
        assert states == {"Initech": TaskState.FAILED, "Globex": TaskState.APPLIED}
        assert (state_of(taken), state_of(fresh)) == (State.NEW, State.CLEAN)
        try:
            Session.raise_for_status(result)
        except CommitPartial as error:
            print(error)
        for task in result.tasks:
            print(f"{task.verb} {task.record.name}: {task.state} after {task.duration * 1000:.1f} ms", task.error or "")
        s.rollback()


async def habits(client: Client) -> None:
    """Two more things that restio users are used to: DAOs of one session, and records that add themselves."""
    async with Holdall("mine").session(auto_add=True) as s:
        s.register_dao(CompanyDAO(client), EmployeeDAO(client))
        acme = Company(name="Acme")
        assert state_of(acme) is State.NEW
        Employee(name="Dee", age=33, company=acme)
        client.calls.clear()
        await s.commit()
        assert client.calls == ["POST /companies", "POST /employees"]


# --- the other side ------------------------------------------------------------------------------------------------


def api() -> web.Application:
    """The API itself: companies and employees, keys made by it, names of companies unique."""
    companies: dict[int, dict[str, Any]] = {1: {"key": 1, "name": "Initech"}}
    employees: dict[int, dict[str, Any]] = {
        1: {"key": 1, "name": "Ann", "age": 40, "address": "Brazil", "company": 1},
        2: {"key": 2, "name": "Bob", "age": 30, "address": "Norway", "company": 1},
    }
    tables, keys = {"companies": companies, "employees": employees}, count(100)

    async def one(request: web.Request) -> web.Response:
        table, key = tables[request.match_info["table"]], int(request.match_info["key"])
        if key not in table:
            raise web.HTTPNotFound
        if request.method == "PATCH":
            table[key].update(await request.json())
        return web.json_response(table.pop(key) if request.method == "DELETE" else table[key])

    async def add(request: web.Request) -> web.Response:
        table, body = tables[request.match_info["table"]], await request.json()
        if table is companies and any(item["name"] == body["name"] for item in companies.values()):
            raise web.HTTPConflict(text=f"there is a {body['name']} already")
        key = next(keys)
        table[key] = {**body, "key": key}
        return web.json_response(table[key])

    async def staff(request: web.Request) -> web.Response:
        key = int(request.match_info["key"])
        return web.json_response([item for item in employees.values() if item["company"] == key])

    app = web.Application()
    app.router.add_route("*", "/{table:companies|employees}/{key:\\d+}", one)
    app.router.add_post("/{table:companies|employees}", add)
    app.router.add_get("/companies/{key}/employees", staff)
    return app


async def main() -> None:
    """Serve the API, work with it, and stop it."""
    runner = web.AppRunner(api())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    client = Client(f"http://{host}:{port}")
    app = Holdall("hr")
    app.add_dao(CompanyDAO(client), EmployeeDAO(client))
    try:
        await reading(app, client)
        await writing(app, client)
        await failing(app, client)
        await habits(client)
    finally:
        await app.close()
        await client.close()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())

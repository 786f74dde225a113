"""Back offices that are served on a port of this machine, for browsers with scripts: the library, and the atlas."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from demo.atlas import City, Continent, Country, atlas
from demo.atlas.agency import PATH, beside_agency
from demo.atlas.diary import Leg, Stay, Visit
from demo.atlas.loading import load
from demo.atlas.office import back_office
from demo.atlas.source import Source
from holdall import Action, ActionPolicy, Context, Holdall, Nothing, Role
from holdall.admin import Admin, AdminView, Chart, Counter
from holdall.cli import listen
from holdall.errors import HoldallError
from holdall.users import Authenticator, Users
from tests.support.back_office import PASSWORD, Author, Book, library

__all__ = ["CANARY", "PEOPLE", "ServedAtlas", "ServedLibrary", "ServedOffice"]

CANARY = "<script>window.canary=1</script><img src=x onerror=window.canary=1>\"'{{7*7}}"
"""Text that does something where a page takes it for more than text."""

_SECONDS = 60.0
_SETTINGS = Admin(
    title="Library",
    views={Book: AdminView(groups={"Shelf": ["place", "tags", "price"]}, widgets={"blurb": "long"})},
    dashboard=[Counter("Books", "books"), Chart("Books by colour", "books", group="colour")],
)


class _Server(uvicorn.Server):
    """A server that says when it has started, and leaves signals to the program."""

    def __init__(self, config: uvicorn.Config, is_ready: threading.Event) -> None:
        super().__init__(config)
        self._is_ready = is_ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._is_ready.set()


class ServedOffice:
    """A service with a back office in a thread of this process; as a block it starts and ends."""

    def __init__(self) -> None:
        self._listener = listen("127.0.0.1", 0)
        self._server: _Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._is_ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/admin"
        self.app: Any = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_ready.wait(_SECONDS), "the service did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(_SECONDS)

    def run(self, work: Any) -> Any:
        """Wait for a coroutine that runs where the service does."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        config = uvicorn.Config(await self.made(), log_level="warning", lifespan="on")
        self._server = _Server(config, self._is_ready)
        await self._server.serve(sockets=[self._listener])

    async def made(self) -> Any:
        """The service, with the records that it has from the start."""
        raise NotImplementedError


class ServedLibrary(ServedOffice):
    """The library: books in SQLite, authors in YAML, accounts in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    async def made(self) -> Any:
        """Books, authors and accounts, many of them with a text that does something where it is more than text."""
        stores = {"main": f"sqlite:///{self._folder / 'books.db'}", "other": f"yaml:{self._folder / 'authors'}"}
        self.app, service, _ = await library(
            admin=_SETTINGS, stores=stores, has_password="everybody", before=_declare, docs=False
        )
        async with self.app.session() as session:
            session.add(Author(code="XSS", name=CANARY))
            await session.commit()
            for number in range(60):
                made = Book(title=f"Volume {number:02}", blurb=CANARY, owner=CANARY, tags=[CANARY], author="XSS")
                made.data = {CANARY: CANARY}
                session.add(made)
            session.add(Book(title=CANARY, blurb=CANARY, author="UKL"))
        return service


def _declare(app: Holdall) -> None:
    app.add_audit(Book, store="main", read=Role("editor", "admin"))


class Dawdle(Action[City], on=Nothing):
    """Take longer than a page may."""

    async def run(self, context: Context) -> str:
        await asyncio.sleep(4.0)
        return "there was no hurry"


PEOPLE = {"ann": ["editor", "admin"], "eve": ["editor"], "tom": ["traveller"]}
"""The accounts of the served atlas, with their roles."""


class ServedAtlas(ServedOffice):
    """The atlas of the demo with its largest cities, in all of its stores; a postcard for each city fails."""

    def __init__(self, folder: Path, cities: int = 1_500) -> None:
        super().__init__()
        self.folder = folder / "atlas"
        load(self.folder, Source(cities), lambda number: None)

    async def made(self) -> Any:
        """The atlas, with accounts, and a visit, a city and a country of which every text is a canary."""
        self.app = app = atlas(self.folder, agency=self.address.removesuffix("/admin") + PATH)
        app.add_store("accounts", "memory:")
        users = Users(app, store="accounts")

        @app.after(City.created, name="postcard", attempts=1)
        async def postcard(event: object) -> None:
            raise HoldallError(f"no postcard can be sent {CANARY}")

        app.add_action(Dawdle, policy=ActionPolicy(execute=Role("editor")))
        settings = back_office(users)
        service = app.asgi(authenticate=Authenticator(users), admin=settings, docs=False, secret=b"s" * 32)
        await app.create()
        for login, roles in PEOPLE.items():
            await users.add(login, PASSWORD, roles=roles, key=login)
        await users.add("mallory" + CANARY, roles=[CANARY.replace(" ", "")], key="mallory")
        await users.issue_token("ann", CANARY)
        async with app.session() as session:
            session.add(Continent(code="XX", name=CANARY[:50], population=0))
            await session.commit()
            session.add(_country())
            await session.commit()
            session.add(_city())
            await session.commit()
            session.add(_visit())
        await app.outbox.deliver()
        return beside_agency(service)


def _country() -> Country:
    return Country(
        code="XX", iso3="XXX", name=CANARY, continent="XX", capital=CANARY, population=1, area=1,
        currency_name=CANARY, phone=CANARY, languages=(CANARY,),
    )  # fmt: skip


def _city() -> City:
    return City(
        id=1, name=CANARY, alternate_names=(CANARY,), country="XX", region=CANARY, latitude=0.0, longitude=0.0,
        population=99_000_000, timezone=CANARY,
    )  # fmt: skip


def _visit() -> Visit:
    return Visit(
        title=CANARY, city=1, stay=Stay(CANARY), legs=[Leg(CANARY)], companions=[CANARY], notes={CANARY: CANARY},
        owner=CANARY, text=f"{CANARY}\n{CANARY}",
    )  # fmt: skip

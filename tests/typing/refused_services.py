"""What type checkers must refuse of services; see ``refused_models``."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from holdall import Holdall, Service


class Loans(Service):
    async def lend(self, book: int) -> str:
        return str(book)


class Library:
    loans: Loans


app = Holdall("library")
app.add_services(loans=7)  # type: ignore[arg-type]


async def uses() -> None:
    app.dal(Library, user="ann")  # type: ignore[call-overload]
    async with app.dal(Library) as dal:
        await dal.loans.lend("x")  # type: ignore[arg-type]
        await dal.loans.lend()  # type: ignore[call-arg]
        await dal.loans.borrow(1)  # type: ignore[attr-defined]
        dal.fines  # type: ignore[attr-defined]

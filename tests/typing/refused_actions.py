"""What type checkers must refuse of actions; see ``refused_models``."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from holdall import Action, Context, Each, Holdall, Model, Nothing, field


class Book(Model, collection="books"):
    id: int = field(pk=True)


class Author(Model, collection="authors"):
    id: int = field(pk=True)


class Vote(Action[Book], on=Each):
    score: float

    async def run(self, context: Context, book: Book) -> float:
        return self.score


class Count(Action[Book], on=Nothing):
    async def run(self, context: Context) -> int:
        return 1


app = Holdall("library")


async def uses(book: Book, author: Author) -> None:
    Vote(score="x")  # type: ignore[arg-type]
    Vote(mark=8)  # type: ignore[call-arg]
    async with app.session() as session:
        await session.act(Vote(score=8), author)  # type: ignore[misc]
        await session.act(Vote(score=8))  # type: ignore[call-overload]
        await session.act(Count(), book)  # type: ignore[call-overload]
        await session.act(book)  # type: ignore[call-overload]

"""What type checkers must refuse of codecs and own types; see ``refused_models``."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from holdall import Codec, Model, field


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


MONEY = Codec(Money, int, encode=lambda money: money.cents, decode=Money)


class Book(Model):
    id: int = field(pk=True)
    price: Money = field(codec=MONEY)


def declaring() -> None:
    Codec(Money, int, encode=lambda money: str(money.cents), decode=Money)  # type: ignore[arg-type, return-value]
    Codec(Money, int, encode=lambda money: money.pounds, decode=Money)  # type: ignore[attr-defined]
    Codec(Money, int, encode=lambda money: money.cents, decode=Money, example=3)  # type: ignore[attr-defined]
    Codec(Money, int, decode=Money)  # type: ignore[call-arg]
    field(codec="money")  # type: ignore[call-overload]


def using(book: Book) -> None:
    Book(id=1, price=3)  # type: ignore[arg-type]
    book.price = "3"  # type: ignore[assignment]
    book.price.pounds  # type: ignore[attr-defined]
    Book.from_json({"id": 1})  # type: ignore[arg-type]
    book.to_json(stored=True)  # type: ignore[call-arg]

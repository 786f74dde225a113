"""A session for records that needs no store: what a session is to the model room."""

from __future__ import annotations

from typing import Any
from weakref import ref

from holdall.model import InstanceState, SessionLink, State, set_track


class Session:
    """Keeps records and writes down what they tell it."""

    def __init__(self) -> None:
        me = ref(self)
        self.link = SessionLink(me, lambda record: _held(me).touched(record))
        self.told: list[tuple[str, Any]] = []
        self.stored: dict[tuple[type[Any], Any], Any] = {}
        self.loads = 0

    def keep(self, *records: Any) -> None:
        for record in records:
            set_track(record, self.link)
            self.stored[type(record), record.__key__()] = record

    def mark_new(self, record: Any) -> None:
        set_track(record, InstanceState(self.link, State.NEW))

    def touched(self, record: Any) -> None:
        self.told.append(("touched", record))

    def became_clean(self, record: Any) -> None:
        self.told.append(("became_clean", record))

    def watch(self, record: Any) -> None:
        self.told.append(("watch", record))

    def file_store(self, name: str) -> Any:
        raise AssertionError("it has no files")

    def peek(self, model: type[Any], key: Any) -> Any:
        return None

    async def load(self, model: type[Any], key: Any) -> Any:
        self.loads += 1
        return self.stored.get((model, key))

    async def load_back(self, record: Any, name: str) -> list[Any]:
        other = type(record).__holdall__.by_name[name]
        assert other.target is not None
        model, back = other.target(), other.options.back
        return [item for (kind, _), item in self.stored.items() if kind is model and getattr(item, back) == record]

    def peek_back(self, record: Any, name: str) -> list[Any] | None:
        return None

    def keep_back(self, record: Any, name: str, found: list[Any] | None) -> None:
        self.told.append(("keep", found))

    def stream_place(self, record: Any, *, is_append: bool) -> tuple[Any, str, Any]:
        raise AssertionError("these records have no streams")

    def at_hand(self, model: type[Any]) -> list[Any]:
        return []


def made(model: Any, **values: Any) -> Any:
    """A record, made past the type checker, which does not let tests be wrong."""
    return model(**values)


def _held(session: ref[Session]) -> Session:
    found = session()
    assert found is not None
    return found


class Trusting:
    """Every write is that of a store."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []

    def is_acting(self) -> bool:
        return True

    def wrote(self, record: Any, field: Any, value: Any) -> None:
        self.written.append((field.name, value))

"""How a store shows its work: its statements without values, its plans, whether it answers, its connections."""

from __future__ import annotations

from holdall.query import AnyQuery, Compare, Op, Query
from holdall.store import Explaining, Native, Observable, Pingable, Pooled, Sent, SpeaksSql
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["Seeing"]

_SECRET = "a-secret-that-no-log-may-hold"  # noqa: S105 - that is what is looked for


class Seeing:
    """A store as it is seen by those who run it."""

    @requires(Observable)
    def test_statements_are_shown_without_values(self, case: Case) -> None:
        """Reads and writes are shown with seconds and rows; values stand beside the statement, never in it."""
        case.load()
        store, shown = case.store, _Shown()
        assert isinstance(store, Observable)
        assert store.family
        store.observe(shown)
        try:
            case.expect(Query("country"))
            read = len(shown.found)
            assert read, "reading was not shown"
            case.apply(case.add("country", code="Z", name=_SECRET))
            assert len(shown.found) > read, "writing was not shown"
            case.fetch(Query("country", Compare(("name",), Op.EQ, _SECRET)))
        finally:
            store.observe(None)
        for sent in shown.found:
            assert sent.store == store.name
            assert sent.statement
            assert sent.seconds >= 0
            assert sent.error is None
            assert _SECRET not in sent.statement
        told = len(shown.found)
        case.fetch(Query("country"))
        assert len(shown.found) == told, "nobody listens any more"

    @requires(Explaining)
    def test_plans_are_explained(self, case: Case) -> None:
        """A query is explained in words that do not end with it, and analyzing gives the plan as well."""
        case.load()
        store = case.store
        assert isinstance(store, Explaining)
        queries: tuple[AnyQuery, ...] = (Query("country"), Query("country", Compare(("code",), Op.EQ, "FR")))
        for query in queries:
            for analyze in (False, True):
                assert case.run(store.explain(query, analyze=analyze)).plan
        case.expect(Query("country"))

    @requires(Pingable)
    def test_a_store_answers(self, case: Case) -> None:
        """A store that works gives a sign of life."""
        assert isinstance(case.store, Pingable)
        case.run(case.store.ping())

    @requires(Pooled)
    def test_connections_are_counted(self, case: Case) -> None:
        """Nobody waits and nothing is lent while nothing is asked."""
        case.load()
        case.expect(Query("country"))
        assert isinstance(case.store, Pooled)
        figures = case.store.pool()
        assert figures.open >= figures.idle >= 0
        assert figures.waiting in (0, None)
        assert figures.most is None or figures.most > 0

    @requires(SpeaksSql)
    def test_sql_is_answered(self, case: Case) -> None:
        """A statement with named parameters is answered, within its bound."""
        case.load()
        assert isinstance(case.store, SpeaksSql)
        answer = case.run(case.store.sql("SELECT :one AS first, :two AS second", {"one": "a", "two": "b"}, limit=1))
        assert (answer.columns, answer.rows) == (("first", "second"), [("a", "b")])

    @requires(Native)
    def test_the_driver_is_lent(self, case: Case) -> None:
        """The driver can be lent twice, and the store goes on."""
        case.load()
        store = case.store
        assert isinstance(store, Native)

        async def borrow() -> None:
            for _ in range(2):
                async with store.native() as lent:
                    assert lent is not None

        case.run(borrow())
        case.expect(Query("country"))


class _Shown:
    def __init__(self) -> None:
        self.found: list[Sent] = []

    def sent(self, sent: Sent) -> None:
        """Keep what is shown."""
        self.found.append(sent)

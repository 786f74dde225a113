"""The requests of the suite: every parameter of lists, every method, every kind of refusal."""

from __future__ import annotations

from holdall.query import Op, Value
from holdall.store import Feature
from holdall.testing.web_conformance.step import Scenario, Step

__all__ = ["SCENARIOS"]

_JSON_PATCH = {"content-type": "application/json-patch+json"}


def _lists(name: str, *queries: str, needs: tuple[Feature | Op, ...] = (), status: int = 200) -> Scenario:
    return Scenario(name, tuple(Step("GET", query, status) for query in queries), needs)


def _filtered(name: str, *filters: str, needs: tuple[Feature | Op, ...] = ()) -> Scenario:
    return _lists(name, *(f"/works?{each}&sort=id" for each in filters), needs=(Feature.FILTER, Feature.SORT, *needs))


def _writes(name: str, *steps: Step, needs: tuple[Feature | Op, ...] = (), is_atomic: bool = False) -> Scenario:
    return Scenario(name, steps, needs, is_writing=True, is_atomic=is_atomic)


def _get(url: str, status: int = 200, **headers: str) -> Step:
    return Step("GET", url, status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def _post(url: str, body: Value, status: int = 201, **headers: str) -> Step:
    return Step("POST", url, status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def _patch(url: str, body: Value, status: int = 200, **headers: str) -> Step:
    return Step("PATCH", url, status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


_RECORDS = Scenario(
    "records",
    (
        _get("/works/1"),
        _get("/works/1?fields=title,price"),
        _get("/works/9", 404),
        _get("/works/x", 404),
        _get("/works/1?nope=1", 422),
        _get("/works/1?fields=nope", 422),
        _get("/works/1", 304, if_none_match="*"),
        _get("/works/1", 412, if_match='"nope"'),
        Step("HEAD", "/works/1", 200),
        Step("OPTIONS", "/works", 204),
        Step("OPTIONS", "/works/1", 204),
        Step("PUT", "/works", 405, {}),
        _get("/works/_meta"),
        _get("/nothing", 404),
    ),
)
_RELATED = (Feature.FILTER, Feature.SORT, Feature.RELATIONS, Op.EQ, Op.IN)
_READING = (
    _RECORDS,
    _lists("all", "/works?sort=id", "/makers?sort=id", "/works?sort=id&fields=id,title", needs=(Feature.SORT,)),
    _filtered("equal", "id=3", "kind=oil", "price=12.5", "shown=true", "maker=1", needs=(Op.EQ,)),
    _filtered("not equal", "kind__ne=oil", "size__ne=30", needs=(Op.NE,)),
    _filtered("one of", "size__in=10,30", "title__in=ÉTÉ,red sea".replace(" ", "%20"), needs=(Op.IN,)),
    _filtered("null", "price__isnull=true", "price__isnull=false", "maker__isnull=true", needs=(Op.IS_NULL,)),
    _filtered("more", "size__gt=30", "price__gt=12.49", needs=(Op.GT,)),
    _filtered("at least", "size__gte=30", "made__gte=2020-01-02", needs=(Op.GE,)),
    _filtered("less", "size__lt=30", "weight__lt=0", needs=(Op.LT,)),
    _filtered("at most", "size__lte=30", needs=(Op.LE,)),
    _filtered("contained", "title__contains=moon", "title__contains=%25", "title__contains=_", needs=(Op.CONTAINS,)),
    _filtered("contained in any case", "title__icontains=RED", "title__icontains=%C3%A9t", needs=(Op.ICONTAINS,)),
    _filtered("begins", "title__startswith=Red", needs=(Op.STARTSWITH,)),
    _filtered("ends", "title__endswith=moon", needs=(Op.ENDSWITH,)),
    _filtered("several", "kind=oil&size__gt=20", "and=(size__gt=10,kind=oil)", needs=(Op.EQ, Op.GT)),
    _filtered("groups", "or=(kind=oil,size=55)", "not=(kind=oil)", "not=(or=(kind=oil,size=30))", needs=(Op.EQ,)),
    _filtered("words", "q=moon", "q=re*", "q=moon%20-red", needs=(Op.ICONTAINS,)),
    _filtered("through references", "maker.name=Ada", "maker.name__in=Ada,Cy", needs=_RELATED),
    _lists("through lists", "/makers?sort=id&works.kind=oil", needs=(*_RELATED, Feature.MANY_CONDITIONS)),
    _lists(
        "order",
        "/works?sort=title,id",
        "/works?sort=-size,id",
        "/works?sort=price,id",
        "/works?sort=-price,id",
        "/works?sort=made,-id",
        needs=(Feature.SORT,),
    ),
    _lists("order by references", "/works?sort=maker.name,id", "/works?sort=-maker.town,id", needs=_RELATED),
    _lists(
        "pages",
        "/works?page_size=2&sort=id",
        "/works?page_size=2&page=2&sort=id",
        "/works?page_size=2&page=9&sort=id",
        "/works?count=none&sort=id",
        needs=(Feature.SORT, Feature.OFFSET),
    ),
    _lists(
        "pages by cursor",
        "/works?after=&page_size=4&sort=id",
        "/works?after=&page_size=4&sort=-size,id",
        "/works?after=&page_size=10&sort=-id",
        needs=(Feature.SORT, Feature.KEYSET),
    ),
    _lists(
        "included",
        "/works?include=maker&sort=id",
        "/works?include=maker&fields=title,maker.name&sort=id",
        "/works/1?include=maker",
        needs=(Feature.SORT, Op.IN),
    ),
    _lists(
        "included lists",
        "/makers?include=works(sort=-size,id;page_size=1)&sort=id",
        "/makers/1?include=works",
        needs=(Feature.SORT, Feature.FILTER, Op.EQ, Op.IN),
    ),
    _lists(
        "values of groups",
        "/works?aggregate=rows",
        "/works?aggregate=rows,size.sum,size.avg,size.min,size.max&group=kind&sort=kind",
        "/works?aggregate=price.sum,price.max",
        "/works?aggregate=rows&group=kind&having=rows__gt=1&sort=kind",
        "/works?aggregate=kind.count_distinct,weight.count",
        needs=(Feature.AGGREGATES,),
    ),
    _lists(
        "values of related groups",
        "/works?aggregate=rows&group=maker.name&sort=maker.name",
        needs=(*_RELATED, Feature.AGGREGATES),
    ),
    _lists("files", "/works?format=csv&sort=id", "/works?format=ndjson&sort=id", needs=(Feature.SORT,)),
    _lists(
        "parameters that are none",
        *(
            f"/works?{query}"
            for query in (
                "nope=1",
                "size=x",
                "sort=nope",
                "page=0",
                "page_size=0",
                "page_size=501",
                "size__contains=1",
                "fields=nope",
                "include=nope",
                "count=maybe",
                "maker.nope=1",
                "aggregate=nope.sum",
                "after=bad",
                "or=(",
                "size=1&size=x",
            )
        ),
        status=422,
    ),
)
_WRITING = (
    _writes(
        "a new record",
        _post("/works", {"id": 7, "title": "New", "price": "3.10", "maker": 2}),
        _get("/works/7"),
        _post("/works", {"id": 7, "title": "Again"}, 409),
        _post("/works", {"id": 8}, 422),
        _post("/works", {"id": 8, "title": "", "size": -1, "nope": 1}, 422),
        _post("/works", b"{", 400, content_type="application/json"),
        _post("/works", b"<a/>", 415, content_type="text/xml"),
        _post("/works", {"id": 8, "title": "x", "maker": 99}, 422),
        _get("/works/8", 404),
    ),
    _writes("a value that is taken", _post("/makers", {"id": 9, "name": "Ada"}, 409), needs=(Feature.UNIQUE,)),
    _writes(
        "changes",
        _patch("/works/2", {"title": "Newer", "price": "3.10", "maker": None}),
        _patch("/works/2", {"title": "Newest"}, 412, if_match='"nope"'),
        _patch("/works/2", {"title": "Newest"}, if_match="*"),
        _patch("/works/2", {"size": "x"}, 422),
        _patch("/works/2", {"version": 9}, 422),
        _patch("/works/2", {"maker": 99}, 422),
        _patch("/works/99", {"title": "x"}, 404),
        _patch("/works/2", {"title": "least"}, 204, prefer="return=minimal"),
        _get("/works/2"),
        needs=(Feature.VERSIONS,),
    ),
    _writes(
        "operations of JSON Patch",
        Step(
            "PATCH",
            "/works/1",
            200,
            [{"op": "replace", "path": "/title", "value": "Patched"}, {"op": "add", "path": "/notes/-", "value": "n"}],
            _JSON_PATCH,
        ),
        Step("PATCH", "/works/1", 409, [{"op": "test", "path": "/title", "value": "no"}], _JSON_PATCH),
        _get("/works/1"),
    ),
    _writes(
        "replaced",
        Step("PUT", "/works/6", 200, {"title": "Put", "size": 1}),
        Step("PUT", "/works/10", 201, {"title": "Made"}),
        Step("PUT", "/works/10", 412, {"title": "Other"}, {"if-none-match": "*"}),
        _get("/works/6"),
        _get("/works/10"),
    ),
    _writes(
        "removed",
        Step("DELETE", "/works/4", 204),
        Step("DELETE", "/works/4", 404),
        _get("/works/4", 404),
        Step("DELETE", "/works/5", 412, headers={"if-match": '"nope"'}),
    ),
    _writes(
        "removed, but referred to",
        Step("DELETE", "/makers/1", 409),
        _get("/makers/1"),
        needs=(Feature.FOREIGN_KEYS, Feature.FILTER, Op.EQ, Op.IN),
    ),
    _writes(
        "several at once",
        _post("/works", [{"id": 20, "title": "B1"}, {"id": 21, "title": "B2"}], 200),
        _post("/works", [{"id": 22, "title": "B3"}, {"id": 20, "title": "B1"}], 409),
        _get("/works/22", 404),
        _patch("/works", [{"key": 20, "patch": {"size": 5}}, {"key": 21, "patch": {"size": 6}}]),
        _get("/works/21"),
        Step("DELETE", "/works", 200, [20, 21]),
        _get("/works/20", 404),
        is_atomic=True,
    ),
    _writes(
        "each by itself",
        _post("/works", [{"id": 23, "title": "B3"}, {"id": 1, "title": "B1"}, {"id": 24}], 207, prefer="tx=item"),
        _get("/works/23"),
    ),
    _writes(
        "those that filters mean",
        _patch("/works?kind=oil", {"kind": "bulk"}),
        _patch("/works?kind=bulk&max-affected=1", {"kind": "other"}, 422),
        _get("/works?sort=id&fields=id,kind,version"),
        Step("DELETE", "/works?kind=bulk", 200),
        _get("/works?sort=id&fields=id"),
        needs=(Feature.FILTER, Feature.SORT, Op.EQ, Feature.BULK_CHANGES),
    ),
    _writes(
        "rehearsed",
        _patch("/works/1", {"title": "dry"}, prefer="tx=rollback"),
        _post("/works/_check", {"id": 1, "title": ""}, 422),
        _post("/works/_check", {"id": 50, "title": "x"}, 204),
        _get("/works/1"),
        _get("/works/50", 404),
    ),
    _writes(
        "nested",
        _post("/works", {"id": 30, "title": "Nest", "maker": {"create": {"id": 30, "name": "Nest"}}}),
        _get("/makers/30"),
        _patch("/makers/30", {"works": {"disconnect": [30], "connect": [2]}}),
        _get("/works/30"),
        _get("/works/2"),
    ),
    _writes(
        "imported",
        _post("/works", b"id,title,size\n40,csv,4\n41,,x\n", 207, content_type="text/csv"),
        _post("/works", b'{"id":42,"title":"line"}\n', 200, content_type="application/x-ndjson"),
        _get("/works/40"),
        _get("/works/41", 404),
        _get("/works/42"),
    ),
)
SCENARIOS = (*_READING, *_WRITING)
"""Those that read, and then those that write."""

"""What a collection tells of itself: fields, schemas and rights, each as this user may know them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from holdall import Everyone, FieldRights, Holdall, Many, Model, Nobody, Policy, Ref, Role, User, back, computed, field
from holdall.web.filters import OPERATORS
from tests.support.served import Served
from tests.support.service_of_everything import MODELS, everything


class Author(Model, collection="authors"):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 50))
    books: Many[Book] = back("author")


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str
    margin: int = 0
    author: Ref[Author]

    @computed
    def label(self) -> str:
        return self.title


class Hidden(Model, collection="hidden"):
    id: int = field(pk=True)


USERS = {"ann": User("ann", roles=frozenset({"librarian"})), "bob": User("bob")}


async def authenticate(scope: MutableMapping[str, Any]) -> User | None:
    return USERS.get(dict(scope["headers"]).get(b"x-user", b"").decode())


@pytest.fixture
def served() -> Iterator[Served]:
    app = Holdall("library")
    app.add_store("main", "memory:")
    margin = {"margin": FieldRights(read=Role("librarian"), write=Role("librarian"))}
    app.add(Book, store="main", policy=Policy(read=Everyone, write=Role("librarian"), fields=margin))
    app.add(Author, store="main", policy=Policy(read=Role("librarian"), write=Nobody))
    app.add(Hidden, store="main", policy=Policy(read=Nobody, write=Nobody))
    with Served(app, authenticate=authenticate) as service:
        yield service


def fields(served: Served, **headers: str) -> dict[str, Any]:
    answer = served.get("/books/_meta", **headers)
    assert answer.status == 200, answer.body
    return {told["name"]: told for told in answer.json()["fields"]}


def test_fields_and_rights_are_those_of_the_user(served: Served) -> None:
    ann = fields(served, x_user="ann")
    assert list(ann) == ["id", "title", "margin", "author", "label"]
    assert ann["title"] == {
        "name": "title", "schema": {"type": "string"}, "create": True, "update": True, "required": True,
        "filters": list(OPERATORS),
        "sort": True,
    }  # fmt: skip
    assert (ann["id"]["create"], ann["label"]["create"], ann["label"]["filters"]) == (False, False, [])
    assert ann["author"]["target"] == "authors"
    anybody = fields(served)
    assert list(anybody) == ["id", "title", "author", "label"]
    assert not any(told["create"] or told["update"] for told in anybody.values())
    assert served.get("/books/_meta").json()["rights"] == {
        "read": True, "create": False, "update": False, "delete": False,
    }  # fmt: skip


def test_what_may_not_be_known_is_not_there(served: Served) -> None:
    assert served.get("/hidden/_meta").status == 404
    assert served.get("/hidden/_meta", x_user="ann").status == 404
    assert served.get("/authors/_meta").status == 401
    assert served.get("/authors/_meta", x_user="bob").status == 404
    for user, names in (("ann", ["books", "authors"]), ("", ["books"])):
        told = served.get("/_meta", x_user=user).json()["collections"]
        assert [each["name"] for each in told] == names


def test_every_kind_of_field_is_told() -> None:
    with Served(everything("memory:")) as served:
        for model in MODELS:
            name = model.__holdall__.collection
            told = served.get(f"/{name}/_meta").json()
            assert [each["name"] for each in told["fields"]] == list(model.__holdall__.json_output.names)
            assert told["key"] == [key.name for key in model.__holdall__.key]
        assert served.get("/things/_meta").json()["schemas"]["Value.Size"]["required"] == ["width", "height"]


def test_it_has_a_tag_and_takes_no_other_method(served: Served) -> None:
    tag = served.get("/books/_meta").headers["etag"]
    assert served.get("/books/_meta", if_none_match=tag).status == 304
    assert served.get("/books/_meta", if_none_match=tag, x_user="ann").status == 200
    assert served.post("/books/_meta", {}).status == 405
    assert served.request("OPTIONS", "/books/_meta").headers["allow"] == "GET, HEAD, OPTIONS"
    assert served.request("HEAD", "/books/_meta").body == b""
    assert "/books/_meta" in served.service.openapi()["paths"]


class Tag(Model, collection="tags"):
    name: str = field(pk=True)


def test_a_record_of_that_key_is_reached_by_its_code() -> None:
    app = Holdall("tags")
    app.add_store("main", "memory:")
    app.add(Tag, store="main", policy=Policy(read=Everyone, write=Everyone))
    with Served(app) as served:
        place = served.post("/tags", {"name": "_meta"}).headers["location"]
        assert place == "/tags/%5Fmeta"
        assert served.get(place).json() == {"name": "_meta"}
        assert served.get("/tags/_meta").json()["collection"] == "tags"

"""Actions, removals of many, selections, files, exports, look-ups, history and the pages for operators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import pytest

from holdall import Action, ActionPolicy, All, Context, Each, Ge, Holdall, Le, Model, Nothing, Role, User, field, param
from holdall.errors import HoldallError, StoreUnavailable
from holdall.files import File
from tests.support.back_office import Book, library, visitor
from tests.support.paper_browser import PaperBrowser
from tests.support.pending import commit_pending

pytestmark = pytest.mark.anyio


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)
    text: str = ""


class Vote(Action[Book], on=Each):
    """Give a book a mark."""

    score: Annotated[float, Ge(0), Le(10)]

    async def run(self, context: Context, book: Book) -> float:
        book.weight = self.score
        return self.score


class Tidy(Action[Book], on=All):
    async def run(self, context: Context, books: list[Book]) -> int:
        return len(books)


class Greet(Action[Book], on=Nothing):
    name: str = "world"

    async def run(self, context: Context) -> str:
        return f"hello {self.name}"


async def acting_library() -> tuple[Holdall, Any]:
    app, service, _ = await library(before=_declare)
    return app, service


def _declare(app: Holdall) -> None:
    for action in (Vote, Tidy, Greet):
        app.add_action(action, policy=ActionPolicy(see=Role("editor", "admin"), execute=Role("editor", "admin")))
    named = Book.where(Book.title == param("part", str, "")).only(Book.title, Book.price)
    app.add_selection("named", named)


async def test_an_action_on_a_record_has_a_form_and_a_result() -> None:
    app, service = await acting_library()
    browser = await visitor(service, "eve")
    record = await browser.open("/admin/data/books/1")
    page = await browser.open(record.link("Vote…"))
    wrong = await browser.submit(page, page.form().filled(f_score="11"))
    assert wrong.status == 422
    assert "f-score-wrong" in wrong.html
    page = await browser.submit(wrong, wrong.form().filled(f_score="7.5"))
    assert "Done." in page.text
    assert "7.5" in page.text
    async with app.session() as session:
        assert (await session.require(Book, 1)).weight == 7.5
    nothing = await browser.open("/admin/act/books/greet")
    assert "hello ann" in (await browser.submit(nothing, nothing.form().filled(f_name="ann"))).text


@pytest.mark.parametrize("which, keys, marked", [("chosen", ["2", "4"], [2, 4]), ("all", [], [1, 2, 3])])
async def test_an_action_on_many_is_counted_and_confirmed(which: str, keys: list[str], marked: list[int]) -> None:
    app, service = await acting_library()
    browser = await visitor(service, "eve")
    given = {"id__lte": 3 if which == "all" else 9, "_act": "act.vote", "_which": which, "_key": keys}
    query = urlencode(given, doseq=True)
    page = await browser.open(f"/admin/bulk/books?{query}")
    assert f"This is about {len(marked)} records." in page.text
    page = await browser.submit(page, page.form().filled(f_score="3"))
    assert "Done." in page.text
    async with app.session() as session:
        assert sorted(each.id for each in await session.query(Book.where(Book.weight == 3.0))) == marked


async def test_many_are_removed_only_as_they_were_counted() -> None:
    app, service = await acting_library()
    browser = await visitor(service, "eve")
    page = await browser.open("/admin/bulk/books?id__gte=4&_act=delete&_which=all")
    async with app.session() as session:
        session.add(Book(title="One more"))
    again = await browser.submit(page, page.form().inputs)
    assert (again.status, "others now" in again.text) == (409, True)
    assert "The record was removed." in (await browser.submit(again, again.form().inputs)).text
    async with app.session() as session:
        assert await session.count(Book.where()) == 3


async def test_actions_that_nobody_may_see_are_not_there() -> None:
    _, service = await acting_library()
    tom = await visitor(service, "tom")
    assert "Vote" not in (await tom.open("/admin/data/books/1")).text
    bulk = [f"bulk/books?_act={each}&_which=all" for each in ("act.vote", "delete")]
    for address in ("act/books/vote/1", "act/books/greet", *bulk):
        assert (await tom.open(f"/admin/{address}")).status == 404


async def test_a_selection_has_parameters_and_rows() -> None:
    _, service = await acting_library()
    browser = await visitor(service, "eve")
    page = await browser.open("/admin/select/books/named?part=Book+3")
    assert "Book 3" in page.text
    assert "Book 4" not in page.text
    assert (await browser.open("/admin/select/books/other")).status == 404


async def test_lists_are_exported_and_references_looked_up() -> None:
    _, service = await acting_library()
    browser = await visitor(service, "eve")
    answer = await browser.send("GET", "/admin/export/books/csv?id__lte=2")
    assert answer.headers["content-disposition"] == 'attachment; filename="books.csv"'
    assert answer.body.count(b"Book ") == 2
    assert b"margin" not in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    found = (await browser.send("GET", "/admin/lookup/authors?q=urs")).json()["found"]
    assert found == [{"key": "UKL", "name": "Ursula"}]
    assert (await browser.send("GET", "/admin/lookup/books?q=3")).json()["found"][0] == {"key": "3", "name": "Book 3"}
    assert (await browser.send("GET", "/admin/lookup/accounts?q=a")).status == 404


async def test_files_are_sent_shown_and_taken_away() -> None:
    app, service = await acting_library()
    browser = await visitor(service, "eve")
    page = await browser.open("/admin/edit/books/1")
    inputs = page.form("/edit/books/1").inputs
    content = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, texts in inputs.items()
        for text in texts
    )
    head = b'Content-Disposition: form-data; name="f.cover"; filename="a b.png"'
    body += b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n--x--\r\n"
    answer = await browser.send("POST", "/admin/edit/books/1", body, content_type="multipart/form-data; boundary=x")
    assert answer.headers["location"].endswith("_said=saved"), answer.body
    page = await browser.open("/admin/data/books/1")
    assert "a b.png" in page.text
    assert 'src="/admin/file/books/1/cover?preview"' in page.html
    answer = await browser.send("GET", "/admin/file/books/1/cover")
    assert answer.body == content
    assert answer.headers["content-disposition"].startswith("inline")  # a picture runs nothing
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = await browser.open("/admin/edit/books/1")
    page = await browser.submit(page, page.form("/edit/books/1").filled(**{"f.cover(remove)": "true"}), "/edit/books/1")
    async with app.session() as session:
        assert (await session.require(Book, 1)).cover is None
        made = session.add(Book(title="<script>", cover=File(b"<script>alert(1)</script>", name="x.html")))
        await session.commit()
    answer = await browser.send("GET", f"/admin/file/books/{made.id}/cover")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "office-preview" not in (await browser.open(f"/admin/data/books/{made.id}")).html
    tom = await visitor(service, "tom")
    assert (await tom.send("GET", "/admin/file/books/2/cover")).status == 404


async def test_history_shows_changes_and_leads_back() -> None:
    app, service, _ = await library(before=lambda app: app.add_audit(Book, store="main", read=Role("editor")))
    async with app.session() as session:
        (await session.require(Book, 1)).title = "Other"
    browser = await visitor(service, "eve")
    record = await browser.open("/admin/data/books/1")
    page = await browser.open(record.link("History"))
    assert "Other" in page.text
    assert "Margin" not in page.text
    first = [href for href, text in page.links if text == "Edit as it was then"][-1]
    edit = await browser.open(first)
    assert edit.form("/edit/books/1").inputs["f.title"] == ["Book 1"]
    await browser.submit(edit, edit.form("/edit/books/1").inputs, "/edit/books/1")
    async with app.session() as session:
        assert (await session.require(Book, 1)).title == "Book 1"
    assert (await (await visitor(service, "tom")).open("/admin/history/books/1")).status == 404


async def test_operators_see_stores_accounts_and_the_outbox_and_others_do_not() -> None:
    def declare(app: Holdall) -> None:
        @app.after(Book.created, name="tell", attempts=1)
        async def tell(event: object) -> None:
            raise HoldallError("the shop is closed")

    app, service, users = await library(before=declare)
    await app.outbox.deliver()
    ann, eve = await visitor(service, "ann"), await visitor(service, "eve")
    for name in ("stores", "commits", "outbox", "fsck", "accounts"):
        assert (await ann.open(f"/admin/operations/{name}")).status == 200, name
        assert (await eve.open(f"/admin/operations/{name}")).status == 404
        assert (await _post(eve, f"/admin/operations/{name}", "_do=drop&_item=x")).status in (403, 404)
    assert "main" in (await ann.open("/admin/operations/stores")).text
    page = await ann.open("/admin/operations/outbox")
    assert "the shop is closed" in page.text
    letter = page.forms[-1].inputs["_item"][0]
    page.forms = page.forms[-1:]
    page = await ann.submit(page, {**page.form().inputs, "_do": ["drop"]})
    assert letter not in page.html
    page = await ann.open("/admin/operations/accounts")
    page.forms = [each for each in page.forms if "password" in each.inputs]
    page = await ann.submit(
        page, page.form().filled(_item="kim", password="long enough password", roles="editor", _do="add")
    )
    assert [each.login for each in await users.accounts()] == ["ann", "eve", "kim", "tom"]
    assert (await users.find("kim")).roles == ["editor"]
    page = await ann.open("/admin/operations/accounts?login=kim")
    page.forms = [each for each in page.forms if ("_do", "token") in each.buttons]
    page = await ann.submit(page, page.form().filled(name="nightly", _do="token"))
    token = page.html.partition('office-secret">')[2].partition("</code>")[0]
    found = await users.user_of_token(token)
    assert found is not None
    assert found.roles == {"editor"}
    page.forms = [each for each in page.forms if ("_do", "revoke") in each.buttons]
    page = await ann.submit(page, page.form().filled(_do="revoke"))
    assert "There are no tokens." in page.text
    assert await users.user_of_token(token) is None
    page.forms = [each for each in page.forms if each.inputs.get("_item") == ["kim"] and len(each.inputs) == 2]
    await ann.submit(page, page.form().filled(_do="deactivate"))
    assert await users.login("kim", "long enough password") is None


async def test_an_operator_finishes_a_check_and_sees_why_somebody_may() -> None:
    _, service, _ = await library()
    ann = await visitor(service, "ann")
    page = await ann.open("/admin/operations/fsck")
    page.forms = page.forms[-1:]
    await ann.submit(page, {**page.form().inputs, "_do": ["check"]})
    check = service.back_office.site.check
    await check.wait()
    assert "All records can be read" in (await ann.open("/admin/operations/fsck")).text
    page = await ann.open("/admin/access/books/2?login=tom")
    assert "no rule holds" in page.text
    assert (await (await visitor(service, "eve")).open("/admin/access/books/2")).status == 404


async def _post(browser: PaperBrowser, address: str, text: str) -> Any:
    return await browser.send("POST", address, text.encode(), content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("act, left", [("resolve", 1), ("compensate", 0)])
async def test_an_operator_ends_a_commit_that_is_left(
    act: str, left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdall.session.commit.two_phase.replay._PART_SECONDS", 0.5)
    app = Holdall("shop", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add(Order, store="main")
    app.add(Note, store="files")
    await app.create()
    files: Any = app.stores["files"]
    whole = files.commit_prepared

    async def away(commit: str, changes: Any) -> bool:
        raise StoreUnavailable("files", "away")

    files.commit_prepared = away
    async with app.session() as session:
        session.add_all([Order(id=1), Note(id=1, text="secret")])
        await commit_pending(session)
    files.commit_prepared = whole

    async def operator(scope: Any) -> User:
        return User("op", roles=frozenset({"admin"}))

    browser = PaperBrowser(app.asgi(authenticate=operator, admin=True))
    page = await browser.open("/admin/operations/commits")
    assert "files" in page.text
    assert "secret" not in page.text
    page.forms = [each for each in page.forms if ("_do", act) in each.buttons]
    page = await browser.submit(page, {**page.form().inputs, "_do": [act]})
    assert "No commit is unfinished." in page.text, page.text
    async with app.session() as session:
        assert await session.count(Note.where()) == left
    await app.close()


async def test_an_operator_starts_a_job_and_sees_its_end() -> None:
    def declare(app: Holdall) -> None:
        @app.job("double", over=Book)
        async def double(context: Context, books: list[Book], *, by: int = 2) -> dict[str, float]:
            for book in books:
                book.margin *= by
            return {"made": len(books)}

    app, service, _ = await library(before=declare)
    ann = await visitor(service, "ann")
    page = await ann.open("/admin/operations/jobs")
    wrong = await ann.submit(page, page.form().filled(_item="double", inputs='{"zzz": 1}', _do="start"))
    assert wrong.status == 409
    page = await ann.submit(page, page.form().filled(_item="double", inputs='{"by": 3}', _do="start"))
    await service.back_office.site.jobs.wait()
    page = await ann.open("/admin/operations/jobs")
    assert "done" in page.text
    assert "made 5" in page.text
    async with app.session() as session:
        assert (await session.require(Book, 1)).margin == 21
    assert (await (await visitor(service, "eve")).open("/admin/operations/jobs")).status == 404

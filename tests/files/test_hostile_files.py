"""Hostile names and contents: no name leads anywhere, no type is what a client says, nothing that runs is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

import puremagic
import pytest

from holdall.files import INLINE, clean_name, fits, media_type_of
from holdall.files.media import HEAD, TAIL, has_sign
from holdall.web.attachments.disposition import disposition, name_in
from tests.support.gallery import GIF, JPEG, PDF, PNG, contents_in, gallery
from tests.support.hostile_files import CONTENTS, NAMES, Hostile
from tests.support.served import Served


def type_of(content: bytes, name: str = "") -> str:
    return media_type_of(content[:HEAD], content[-TAIL:], name)


def test_there_are_enough() -> None:
    assert len(set(NAMES)) + len({each.content for each in CONTENTS}) >= 250
    assert len(set(NAMES)) >= 150


@pytest.mark.parametrize("each", CONTENTS, ids=lambda each: each.name)
def test_contents_are_what_they_are(each: Hostile) -> None:
    for name in ("x.png", "x.html", "x.svg", "x.pdf", "", "../x"):
        found = type_of(each.content, name)
        assert found in each.types, found
        assert found not in INLINE
        assert not fits(found, "image/*") or found in each.types & {"image/x-ms-bmp", "image/bmp"}


def test_ordinary_contents_are_recognised() -> None:
    ordinary = {PNG: "image/png", GIF: "image/gif", JPEG: "image/jpeg", PDF: "application/pdf", b"hello": "text/plain"}
    assert {content: type_of(content) for content in ordinary} == ordinary
    assert {type_of(bytes(n).replace(b"\0", b"a") + "Grüße, 世界".encode() * 30_000) for n in range(5)} == {
        "text/plain"
    }
    named = {"a.csv": "text/csv", "a.md": "text/markdown", "a.json": "text/plain", "a.html": "text/plain"}
    assert {name: type_of(b"a,b\n1,2\n", name) for name in named} == named
    assert type_of(b'{"a": 1}', "a.json") == "application/json"


def test_puremagic_is_asked_wherever_it_knows_a_sign() -> None:
    signs = (*puremagic.magic_header_array, *puremagic.magic_footer_array)
    for sign in signs:
        content = bytearray(b"\xfe" * max(1_200, sign.offset + 99))
        end = (sign.offset + len(sign.byte_match)) or len(content)
        content[sign.offset : end] = sign.byte_match
        assert has_sign(bytes(content)), sign
    assert not has_sign(b"\xfe" * 1_200)
    with pytest.raises(puremagic.PureError):
        puremagic.magic_string(b"\xfe" * 1_200)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_are_harmless(name: str) -> None:
    found = clean_name(name)
    assert len(found.encode()) <= 255
    assert clean_name(found) == found
    assert not re.search(r'[\x00-\x1f\x7f/\\<>:"|?*\u200b-\u202e\u2066-\u2069\ufeff]', found)
    assert not found.startswith(".")
    assert found.rstrip(". ") == found
    assert os.path.basename(found) == found
    header = disposition("text/html", found)
    assert header.startswith(b"attachment")
    assert re.fullmatch(rb"[\x20-\x7e]+", header)
    assert header.count(b'"') in (0, 2)
    assert name_in(header.decode()) == found


def test_hostile_files_over_http(tmp_path: Path) -> None:
    """Each name with each content in turn: none escapes, none is shown, no type is the client's."""
    (tmp_path / "inside").mkdir()
    outside = tmp_path / "inside" / "images"
    with Served(gallery(f"sqlite:///{tmp_path}/gallery.db", f"file:{outside}")) as served:
        served.post("/pictures", {"id": 7})
        before = {path for path in tmp_path.rglob("*") if "images" not in path.parts}
        shown_inline = wrong = 0
        for number in range(max(len(NAMES), len(CONTENTS))):
            name, each = NAMES[number % len(NAMES)], CONTENTS[number % len(CONTENTS)]
            headers = {
                "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
                "content-type": "image/png",
            }
            made = served.request("PUT", "/pictures/7/paper", body=each.content, headers=headers)
            assert made.status in (200, 201), (name, each.name, made.body)
            answer = served.get("/pictures/7/paper")
            assert answer.body == each.content
            assert answer.headers["x-content-type-options"] == "nosniff"
            shown_inline += not answer.headers["content-disposition"].startswith("attachment")
            wrong += answer.headers["content-type"].partition(";")[0] not in each.types
            refused = served.request("PUT", "/pictures/7/image", body=each.content, headers=headers)
            assert refused.status in (422, *((200, 201) if "bmp" in str(each.types) else ())), each.name
        assert (shown_inline, wrong) == (0, 0)
        assert {path for path in tmp_path.rglob("*") if "images" not in path.parts} == before
        assert all(re.fullmatch(r"[0-9a-f]{40}", path.name) for path in contents_in(outside))

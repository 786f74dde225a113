"""Names and contents of files that somebody sends to do harm: what each claims to be, and what it must never be."""

from __future__ import annotations

import io
import zipfile
from itertools import product

import msgspec

from tests.support.gallery import GIF, JPEG, PDF, PNG, png

__all__ = ["CONTENTS", "NAMES", "Hostile"]

HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>'


class Hostile(msgspec.Struct, frozen=True):
    """A content, and the types that it may be stored as."""

    name: str
    content: bytes
    types: frozenset[str]


def _names() -> list[str]:
    steps = ("../", "..\\", "%2e%2e/", "..%2f", "....//", "/", "C:\\", "\\\\host\\share\\", "./", "a/../../")
    ends = ("etc/passwd", "x.png", ".htaccess", "con", "a" * 300 + ".png", "x.php;.png", "\u202egpj.exe", "x\0.png")
    plain = [
        *(
            "",
            ".",
            "..",
            "...",
            "~",
            "~root",
            "-rf",
            "--help",
            "$(id)",
            "`id`",
            "; rm -rf /",
            "| sh",
            "&& id",
            "%00",
            "%0d%0a",
        ),
        *(
            "nul",
            "NUL.txt",
            "com1",
            "LPT1.png",
            "aux.",
            "con .png",
            "CLOCK$",
            "x.png.",
            "x.png ",
            " x.png",
            ".png",
            "png",
        ),
        *('a"b.png', "a'b.png", "a;b.png", 'a"; filename="b.html', "a\r\nSet-Cookie: b=c.png", "a\nb.png", "a\tb.png"),
        *(
            "a\u0000b",
            "a\u200bb.png",
            "\ufeffa.png",
            "a\u2028b.png",
            "e\u0301.png",
            "ﬁ.png",
            "Å.png",
            "文件.png",
            "😀.png",
        ),
        *(
            "<script>.png",
            "a<b>.png",
            "a|b.png",
            "a?b.png",
            "a*b.png",
            "a:b.png",
            "file:///etc/passwd",
            "http://a/b.png",
        ),
        *("x.html", "x.svg", "x.xhtml", "x.exe", "x.js", "x.php", "x.png.html", "x.html.png", "x.jpg%00.html", "x.PNG"),
        *("a" * 255, "a" * 256, "a" * 5_000, "é" * 200 + ".png", "a." + "b" * 400, ".".join("a" * 200), "/" * 300),
        *(
            "{{7*7}}.png",
            "${jndi:ldap://a}.png",
            "' OR 1=1 --.png",
            "=cmd|' /C calc'!A0.csv",
            "@SUM(1).csv",
            "%s%s%n.png",
        ),
        *("__proto__", "constructor", "_json", "image", "key", "..;/x.png", "x.png/.", "x.png/..", "x.png\\..\\..\\y"),
        *("\ud800.png".encode("utf-8", "surrogatepass").decode("latin-1"), "\x7f.png", "\x1b[31m.png", "\x08\x08.png"),
        *("desktop.ini", "Thumbs.db", ".git/config", ".ssh/authorized_keys", "web.config", "WEB-INF/web.xml", "id_rsa"),
    ]
    return [*plain, *(step + end for step, end in product(steps, ends)), *(step * 40 + "x.png" for step in steps)]


NAMES = _names()


def _archive(name: str = "a.txt", content: bytes = b"a") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()


_ARCHIVE = _archive()
_PLAIN_TEXT = frozenset({"text/plain"})
_NOTHING = frozenset({"application/octet-stream"})
_WINDOWS = "application/vnd.microsoft.portable-executable"
_MARKUP = frozenset({"text/html"})


def _contents() -> list[Hostile]:
    pictures = {"png": PNG, "gif": GIF, "jpeg": JPEG, "large png": png(70_000)}
    tails = {"html": HTML, "svg": SVG, "script": b"<script>alert(1)</script>", "php": b"<?php system($_GET[0]); ?>"}
    tails |= {"archive": _ARCHIVE, "pdf": PDF, "short php": b"<?=`id`?>", "javascript": b"javascript:alert(1)"}
    found = [
        Hostile(f"{head} and {tail}", picture + content, _NOTHING)
        for (head, picture), (tail, content) in product(pictures.items(), tails.items())
    ]
    found += [
        Hostile(f"{tail} and {head}", content + picture, _NOTHING | _MARKUP | {"application/zip", "application/pdf"})
        for (head, picture), (tail, content) in product(pictures.items(), tails.items())
    ]
    found += [
        Hostile("picture that is a script", b"GIF89a/*" + GIF[8:] + b"*/=1;alert(1)", _NOTHING),
        Hostile("picture that is a value", b"GIF89a=1;alert(1);" + bytes(20), _NOTHING),
        Hostile("jpeg that is a script", b"\xff\xd8\xff\xe0/*JFIF\0" + bytes(40) + b"*/=alert(1)/*", _NOTHING),
        Hostile("start of a png", PNG[:8], _NOTHING),
        Hostile("start of a gif", b"GIF89a", _PLAIN_TEXT | _NOTHING),
        Hostile("start of a jpeg", b"\xff\xd8\xff", _NOTHING),
        Hostile("html", HTML, _MARKUP),
        Hostile("html behind space", b" \n\t" * 400 + HTML, _MARKUP),
        Hostile("html behind text", b"hello " * 300 + HTML, _MARKUP),
        Hostile("html behind a mark", b"\xef\xbb\xbf" + HTML, _MARKUP),
        Hostile("html in large letters", HTML.upper(), _MARKUP),
        Hostile("html in utf-16", HTML.decode().encode("utf-16"), _NOTHING),
        Hostile("html at the end", b"hello " * 30_000 + HTML, _MARKUP),
        Hostile("body alone", b"<body onload=alert(1)>", _MARKUP),
        Hostile("img alone", b"<img src=x onerror=alert(1)>", _MARKUP),
        Hostile("svg", SVG, frozenset({"image/svg+xml"})),
        Hostile("svg behind a prolog", b'<?xml version="1.0"?><!-- a -->\n' + SVG, frozenset({"image/svg+xml"})),
        Hostile("svg with a prefix", b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', frozenset({"image/svg+xml"})),
        Hostile("svg in large letters", SVG.upper(), frozenset({"image/svg+xml"})),
        Hostile("xml", b'<?xml version="1.0"?><a/>', frozenset({"application/xml"})),
        Hostile(
            "xml with an entity",
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
            frozenset({"application/xml"}),
        ),
        Hostile("php", b"<?php system('id'); ?>", frozenset({"text/x-php"})),
        Hostile("shell", b"#!/bin/sh\nid\n", _PLAIN_TEXT),
        Hostile("script", b"alert(document.cookie)", _PLAIN_TEXT),
        Hostile("program", b"\x7fELF\x02\x01\x01" + bytes(60), frozenset({"application/x-executable"}) | _NOTHING),
        Hostile(
            "windows program",
            b"MZ\x90\0" + bytes(60),
            frozenset({"application/vnd.microsoft.portable-executable"}) | _NOTHING,
        ),
        Hostile("archive", _ARCHIVE, frozenset({"application/zip"})),
        Hostile("archive of pages", _archive("a.html", HTML), frozenset({"application/zip"})),
        Hostile("archive that climbs", _archive("../../etc/passwd"), frozenset({"application/zip"})),
        Hostile("pdf", PDF, frozenset({"application/pdf"})),
        Hostile("pdf and archive", PDF + _ARCHIVE, _NOTHING),
        Hostile("nothing", b"", _PLAIN_TEXT),
        Hostile("zeros", bytes(5_000), _NOTHING),
        Hostile("text that begins as a bitmap", b"BMW sales of the year", _PLAIN_TEXT),
        Hostile("text that begins as a program", b"MZ is a name", _PLAIN_TEXT),
        Hostile("json", b'{"a": 1}', _PLAIN_TEXT),
        Hostile("audio and html", b"ID3\x03\0\0\0\0\0\0" + HTML, _NOTHING),
        Hostile("wave and html", b"RIFF\x24\0\0\0WAVEfmt " + bytes(20) + HTML, _NOTHING),
        Hostile("bitmap and html", b"BM" + bytes(52) + HTML, _NOTHING | {"image/x-ms-bmp", "image/bmp"}),
    ]
    return found


CONTENTS = _contents()

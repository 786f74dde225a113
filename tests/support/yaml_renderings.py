"""Records rendered as people and programs write YAML, each line with the path of the value that it belongs to."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, NamedTuple

__all__ = ["Line", "Path", "render", "value"]

Path = tuple[Any, ...]

WORDS = [
    "one",
    "two",
    "*bold*",
    "&c.",
    "Help !",
    "a & b",
    "x: y",
    "x #y",
    "#tag",
    "- dash",
    "? why",
    "08:30",
    "01234",
    "1",
    "1.50",
    "true",
    "null",
    "~",
    "yes",
    "it's",
    'say "hi"',
    "[x]",
    "{y}",
    "a, b",
    "%",
    "@home",
    "`code`",
    "!tag",
    "é",
    "日本",
    "\\n",
    "",
    " lead",
    "trail ",
    "tab\tin",
    "|",
    ">",
    "---",
    "...",
    "a\u2028b",
    "a\x85b",
    "long " * 12 + "end",
]
TEXTS = [
    "two\nlines\n",
    "two\nlines",
    "a\n\nb\n",
    "one\n  indented\nback\n",
    "# no comment\n- x: y\n",
    "08:30\n*x*\n\nend\n\n",
    "keep\n\n",
    "long text " * 9 + "end",
    "key: value\nother: 1\n",
    "x\n",
]
NAMES = ["a", "b", "timeout", "retry", "on", "x-y", "two words", "key: colon", "#hash", "ünï", "8080", "'q'"]
PLAIN = re.compile(r"[A-Za-zé日][\w日本é./*&!#:' +-]*(?<![ :#])\Z")
COMMENTS = ["# why", "#", "# see *this* & that: [x", "#! ' \"", "# - a: 1"]


class Line(NamedTuple):
    """A line, and the path of the innermost value that it is part of."""

    text: str
    path: Path


def value(random: Random, depth: int = 0) -> Any:
    """A value such as JSON holds."""
    kind = random.randrange(7 if depth < 3 else 4)
    if kind == 0:
        return random.choice([None, True, False, 0, 7, -12, 2.5, 1e30])
    if kind <= 2:
        return random.choice(WORDS)
    if kind == 3:
        return random.choice(TEXTS)
    if kind == 4:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    return {name: value(random, depth + 1) for name in random.sample(NAMES, random.randrange(5))}


def render(random: Random, record: dict[str, Any], column: int = 0) -> list[Line]:
    """The lines of a record in block form, its first one without indentation."""
    lines = _block(random, record, (), column)
    if any("|+" in line.text for line in lines):  # blank lines behind it would be part of the value
        texts = {line.path for line in lines if "|" in line.text or ">" in line.text}
        lines = [line for line in lines if line.text.strip() or line.path in texts]
    return [Line(lines[0].text[column:], lines[0].path), *lines[1:]]


def _block(random: Random, record: dict[str, Any], path: Path, column: int) -> list[Line]:
    lines: list[Line] = []
    for number, (name, item) in enumerate(record.items()):
        inside = (*path, name)
        if number:
            lines += _between(random, path, column)
        written = _name(random, name)
        head, body = _behind(random, item, inside, column, may_be_beside=True)
        lines += [Line(f"{' ' * column}{written}:{head}", inside), *body]
    return lines


def _list(random: Random, items: list[Any], path: Path, column: int) -> list[Line]:
    lines: list[Line] = []
    for number, item in enumerate(items):
        inside = (*path, number)
        if number:
            lines += _between(random, path, column)
        if isinstance(item, dict) and item and random.random() < 0.6:
            gap = random.choice([1, 1, 2, 3])
            body = _block(random, item, inside, column + 1 + gap)
            lines += [Line(f"{' ' * column}-{' ' * gap}{body[0].text.lstrip(' ')}", body[0].path), *body[1:]]
        else:
            head, body = _behind(random, item, inside, column, may_be_beside=False)
            lines += [Line(f"{' ' * column}-{head}", inside), *body]
    return lines


def _between(random: Random, path: Path, column: int) -> list[Line]:
    if random.random() < 0.75:
        return []
    blanks = " " * random.choice([column, column, 0])
    return [Line(random.choice([f"{blanks}{random.choice(COMMENTS)}", "", " " * column]), path)]


def _behind(random: Random, item: Any, path: Path, column: int, *, may_be_beside: bool) -> tuple[str, list[Line]]:
    """What stands behind a colon or dash, and the lines below."""
    if isinstance(item, dict | list) and item and random.random() < 0.7:
        may_be_beside = may_be_beside and isinstance(item, list)
        deeper = column + random.choice([0, 2, 4] if may_be_beside else [2, 3, 4])
        render_inner = _list if isinstance(item, list) else _block
        body = render_inner(random, item, path, deeper)  # type: ignore[arg-type]
        return _comment(random), [*_between(random, path, deeper), *body]
    if isinstance(item, dict | list):
        written = _flow(random, item).split("\n")
        lines = [Line(f"{' ' * (column + random.choice([2, 3]))}{line}", path) for line in written[1:]]
    elif isinstance(item, str):
        written, lines = _text(random, item, path, column)
        if written[0][:1] in "|>":
            return f" {written[0]}{_comment(random)}", lines
    elif item is None and random.random() < 0.5:
        return _comment(random), []
    else:
        written, lines = [_plain(random, item)], []
    if not lines and random.random() < 0.1:
        return _comment(random), [Line(f"{' ' * (column + 2)}{written[0]}{_comment(random)}", path)]
    gap = random.choice([" ", " ", "  ", "    ", "\t"])
    end = _comment(random)
    if lines:
        return f"{gap}{written[0]}", [*lines[:-1], Line(lines[-1].text + end, path)]
    return f"{gap}{written[0]}{end}", []


def _comment(random: Random) -> str:
    return random.choice([" ", "   ", "\t"]) + random.choice(COMMENTS) if random.random() < 0.25 else ""


def _name(random: Random, name: str) -> str:
    if PLAIN.match(name) and ": " not in name and " #" not in name and name not in ("on",):
        return random.choice([name, name, json.dumps(name, ensure_ascii=False)])
    return random.choice([json.dumps(name), _single(name)])


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(random: Random, item: Any) -> str:
    if item is None:
        return random.choice(["null", "~", "Null"])
    if isinstance(item, bool):
        return random.choice(["true", "True"] if item else ["false", "FALSE"])
    return repr(item) if item != 1e30 else "1.0e+30"


def _flow(random: Random, item: Any) -> str:
    """A value on one line or several, between brackets or braces."""
    if isinstance(item, str):
        return random.choice([json.dumps(item), json.dumps(item, ensure_ascii=False).replace("\x85", "\\x85")])
    if not isinstance(item, dict | list):
        return _plain(random, item)
    comma = random.choice([", ", ",", ",  ", ",\n", ", # c\n"])
    if isinstance(item, dict):
        parts = [f"{json.dumps(name)}: {_flow(random, inner)}" for name, inner in item.items()]
    else:
        parts = [_flow(random, inner) for inner in item]
    opening, closing = random.choice(["", " ", "\n"]), random.choice(["", " ", "\n", ",\n" if parts else ""])
    brackets = "{}" if isinstance(item, dict) else "[]"
    return f"{brackets[0]}{opening}{comma.join(parts)}{closing}{brackets[1]}"


def _text(random: Random, text: str, path: Path, column: int) -> tuple[list[str], list[Line]]:
    """A text in one of the styles that can hold it."""
    styles = [[json.dumps(text)]]
    if "\n" not in text and text.isprintable():
        styles.append([_single(text)])
    if PLAIN.match(text) and ": " not in text and " #" not in text and text not in ("true", "null", "yes"):
        styles += [[text]] * 2
        if " " in text and "  " not in text:
            styles.append(text.rsplit(" ", 1))
    if "\n" in text and text.strip() and text.replace("\n", "").isprintable() and not text.startswith((" ", "\n")):
        styles += [["|"], [">"]]
    written = random.choice(styles)
    if written[0] == "|" or (written[0] == ">" and " " not in text.replace(": ", "")):
        mark = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
        blanks = column + random.choice([1, 2, 4])
        body = text.removesuffix("\n").split("\n")
        if written[0] == ">":
            body = [line for part in body for line in ([part, ""] if part else [""])][:-1]
            if "" in text.rstrip("\n").split("\n") or mark == "+":
                written = ["|"]
                body = text.removesuffix("\n").split("\n")
        return [written[0] + mark], [Line(f"{' ' * blanks}{line}" if line else "", path) for line in body]
    if written[0] == ">":
        written = [json.dumps(text)]
    return written, [Line(f"{' ' * (column + 2)}{line}", path) for line in written[1:]]

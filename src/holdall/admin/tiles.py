"""Tiles of the first page: numbers, bars and lines over aggregates that the REST service answers."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, quote

import msgspec

from holdall.admin.addresses import query_text
from holdall.admin.views import Chart, Counter, Note
from holdall.admin.visit import Visit
from holdall.query import Value

__all__ = ["Mark", "Tile", "line_through", "tile_of"]

_LONG = 1_000_000  # numbers beside bars that are told in short
_WIDTH, _HEIGHT, _EDGE = 300.0, 90.0, 4.0  # of a line, in units of its picture


class Mark(msgspec.Struct, frozen=True):
    """One value of a chart: its name, its number in short and whole, its share of the largest in per cent."""

    label: str
    text: str
    whole: str
    href: str
    share: float


class Tile(msgspec.Struct, frozen=True):
    """One tile: a number, bars, the points of a line, or words with links. Example: :func:`tile_of`."""

    title: str
    href: str
    number: str = ""
    group: str = ""
    marks: tuple[Mark, ...] = ()
    points: str = ""
    text: str = ""
    links: tuple[tuple[str, str], ...] = ()
    is_note: bool = False


async def tile_of(visit: Visit, wanted: Counter | Chart | Note) -> Tile | None:
    """Return the tile of a dashboard's counter, chart or note; None where the user may not read what it is about.

    Example: ``docs/back-office.md``.
    """
    if isinstance(wanted, Note):
        links = [(text, path if path.startswith("/") else visit.url(path)) for text, path in wanted.links.items()]
        return Tile(wanted.title, "", text=wanted.text, links=tuple(links), is_note=True)
    filters = parse_qsl(wanted.filters, keep_blank_values=True)
    asked = [*filters, ("aggregate", wanted.aggregate)]
    href = visit.url("data", quote(wanted.collection))
    if isinstance(wanted, Chart):
        order = wanted.group if wanted.shape == "line" else wanted.aggregate
        asked += [("group", wanted.group), ("sort", f"-{order}"), ("page_size", str(wanted.most))]
    answer = await visit.ask("GET", f"/{quote(wanted.collection)}", query=query_text(asked))
    if not answer.is_good:
        return None
    rows = answer.json["data"]
    if isinstance(wanted, Counter):
        number = rows[0][wanted.aggregate] if rows else 0
        link = f"{href}?{query_text(filters)}" if filters else href
        return Tile(wanted.title, link, _text(visit, number) or "—")
    if wanted.shape == "line":
        rows = [row for row in reversed(rows) if row[wanted.group] is not None]
    marks = _marks(visit, wanted, filters, rows)
    numbers = [float(row[wanted.aggregate] or 0) for row in rows]
    points = line_through(numbers) if wanted.shape == "line" else ""
    return Tile(wanted.title, href, "", wanted.group, marks, points)


def _marks(
    visit: Visit, wanted: Chart, filters: list[tuple[str, str]], rows: Sequence[dict[str, Value]]
) -> tuple[Mark, ...]:
    href = visit.url("data", quote(wanted.collection))
    most = max((float(row[wanted.aggregate] or 0) for row in rows), default=0.0) or 1.0
    found = []
    for row in rows:
        value, number = row[wanted.group], row[wanted.aggregate]
        whole = _text(visit, number)
        is_long = isinstance(number, int | float) and abs(number) >= _LONG
        text = visit.words.short(number) if is_long else whole
        link = f"{href}?{query_text([*filters, _meant(wanted.group, value)])}"
        share = round(100 * max(float(number or 0), 0.0) / most, 1)
        found.append(Mark("—" if value is None else str(value), text, whole, link, share))
    return tuple(found)


def line_through(numbers: Sequence[float]) -> str:
    """The points of a line through numbers, as SVG has them, from left to right, with zero or the least at the bottom.

    >>> line_through([0.0, 5.0, 10.0])
    '4,86 150,45 296,4'
    """
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    step = (_WIDTH - 2 * _EDGE) / max(len(numbers) - 1, 1)
    scale = (_HEIGHT - 2 * _EDGE) / ((high - low) or 1.0)
    return " ".join(
        f"{_EDGE + place * step:.4g},{_HEIGHT - _EDGE - (number - low) * scale:.4g}"
        for place, number in enumerate(numbers)
    )


def _meant(group: str, value: object) -> tuple[str, str]:
    if value is None:
        return (f"{group}__isnull", "true")
    return (group, str(value).lower() if isinstance(value, bool) else str(value))


def _text(visit: Visit, value: Value) -> str:
    if value is None:
        return "—"
    return visit.words.number(value) if isinstance(value, int | float) else str(value)

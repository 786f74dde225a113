"""Which collections references lead to, and the names of the records that they refer to, asked for together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

from holdall.admin.described import Described
from holdall.admin.kinds import Kind
from holdall.admin.visit import Visit
from holdall.query import Value
from holdall.session import Bindings
from holdall.web.included import includable

__all__ = ["OtherEnd", "named", "names_within", "naming_query", "other_ends"]


class OtherEnd(msgspec.Struct, frozen=True):
    """Records at the other end of references: where they are, and by which of their references they lead back.

    Example: :func:`other_ends`.
    """

    name: str
    collection: str
    back: str | None


def other_ends(bindings: Bindings, collection: str) -> dict[str, OtherEnd]:
    """Return all references of a collection, and other ends of those that lead to it, by name.

    Example: ``docs/back-office.md``.
    """
    binding = bindings.of_name(collection)
    found = dict[str, OtherEnd]()
    for name, field in includable(binding).items():
        if field.target is not None:
            found[name] = OtherEnd(name, bindings.of_model(field.target()).collection, field.options.back)
    return found


async def naming_query(visit: Visit, described: Described, names: Iterable[str]) -> list[tuple[str, str]]:
    """The parameters by which references of records are shown with the names of what they refer to."""
    included, fields = list[str](), list[str]()
    for name in names:
        field = described.by_name.get(name)
        if field is None or field.kind is not Kind.REFERENCE or name not in described.includes:
            continue
        target = await visit.described_if_any(str(field.target))
        if target is not None and target.naming is not None:
            included.append(name)
            fields += [f"{name}.{each}" for each in dict.fromkeys([*target.key, target.naming])]
    return [("include", ",".join(included)), ("fields", ",".join(fields))] if included else []


def names_within(visit_described: Mapping[str, Described | None], described: Described, row: Value) -> dict[str, str]:
    """The names of the records that are included in a row, by the segments of their keys."""
    found = dict[str, str]()
    for name, value in row.items():
        field = described.by_name.get(name)
        if isinstance(value, dict) and field is not None and field.kind is Kind.REFERENCE:
            target = visit_described.get(str(field.target))
            if target is not None:
                found[target.segment(value)] = target.name_of(value)
    return found


async def named(visit: Visit, described: Described, key: str) -> dict[str, str]:
    """The names of the records that one record refers to, by the segments of their keys."""
    query = await naming_query(visit, described, [each.name for each in described.fields])
    if not query:
        return {}
    text = "&".join(f"{name}={quote(value, safe=',.()')}" for name, value in query)
    answer = await visit.ask("GET", f"/{quote(described.collection)}/{key}", query=text)
    if not answer.is_good:
        return {}
    targets = {each.target: await visit.described_if_any(str(each.target)) for each in described.fields if each.target}
    return names_within({str(name): each for name, each in targets.items()}, described, answer.json)

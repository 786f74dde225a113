"""``holdall inspect``: models for what a store holds already."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import msgspec
import typer

from holdall.cli.api_document import api_document, is_document
from holdall.cli.failure import MISUSE, REFUSED, Failure
from holdall.cli.model_source import module_source
from holdall.errors import DeclarationError, HoldallError
from holdall.query import FieldSchema, Kind
from holdall.store import Described, Describing, Description, Look, open_store

__all__ = ["inspect"]

_NOWHERE = "https://document.invalid"
_WITH_SCHEMAS = ("postgres", "mariadb", "mysql")


def inspect(
    url: Annotated[str, typer.Argument(metavar="URL", help="The store, as in sqlite:///shop.db.")],
    schema: Annotated[str | None, typer.Option(help="The schema of the database that is looked at.")] = None,
    collection: Annotated[
        list[str] | None, typer.Option("--collection", "--table", help="Only this one; may be given again.")
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="How many records of each collection are read.")] = 100,
    server: Annotated[str, typer.Option(help="Where the API of a document is, if the document does not say.")] = "",
) -> None:
    """Write models for what a store holds, and the application around them, as a module of Python.

    URL may be an OpenAPI document, too: a file, or its URL.
    """
    look = Look(schema, sample, frozenset(collection or ()))
    try:
        found = asyncio.run(_described_api(url, look, server) if is_document(url) else _described(url, look))
    except DeclarationError as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(str(error), REFUSED) from error
    unknown = sorted(look.only - {each.schema.stored_name for each in found.collections})
    if unknown:
        raise Failure(f"there is no collection {unknown[0]!r}", REFUSED)
    if not found.collections:
        place = f"schema {schema!r}" if schema else "the store"
        advice = "; tables of another schema: add --schema NAME" if url.startswith(_WITH_SCHEMAS) else ""
        raise Failure(f"{place} has no tables or collections{advice}", REFUSED)
    print(module_source(url, _alone(found)), end="")


async def _described(url: str, look: Look) -> Description:
    store = open_store("main", url)
    try:
        if not isinstance(store, Describing):
            raise Failure(f"{url.partition(':')[0]} cannot say what it holds", REFUSED)
        return await store.describe(look)
    finally:
        await store.close()


async def _described_api(url: str, look: Look, server: str) -> Description:
    base = server or (url if "://" in url else "")
    with api_document(url) as document:
        store = open_store("main", urlunsplit((*urlsplit(base or _NOWHERE)[:3], "", "")), openapi=document)
        assert isinstance(store, Describing)
        found = await store.describe(look)
    place = server or found.url
    if not place or place.startswith(_NOWHERE):
        raise Failure("the document does not say where the API is: add --server https://…", REFUSED)
    return msgspec.structs.replace(found, url=place)


def _alone(found: Description) -> Description:
    """The same with the keys in place of references to collections that are not among them."""
    known = {each.schema.name for each in found.collections if each.schema.key}
    return msgspec.structs.replace(found, collections=tuple([_with_keys(each, known) for each in found.collections]))


def _with_keys(each: Described, known: set[str]) -> Described:
    fields, notes = list[FieldSchema](), list(each.notes)
    for field in each.schema.fields:
        if field.target is None or field.target in known:
            fields.append(field)
        elif field.kind is Kind.REF and len(field.target_key) == 1:
            fields.append(_scalar(field))
        else:
            notes.append(f"{field.name} refers to {field.target}, which is not asked for, and is left out")
    names = {field.name for field in fields}
    key = each.schema.key if set(each.schema.key) <= names else ()
    unique = tuple([rule for rule in each.schema.unique if set(rule) <= names])
    kept = msgspec.structs.replace(each.schema, fields=tuple(fields), key=key, unique=unique)
    return msgspec.structs.replace(each, schema=kept, notes=tuple(notes))


def _scalar(field: FieldSchema) -> FieldSchema:
    """The key that a reference holds, as a field of its own."""
    key = field.target_key[0]
    while key.kind is Kind.REF:
        key = key.target_key[0]
    return msgspec.structs.replace(
        key, name=field.name, nullable=field.nullable, columns=field.columns or (field.name,), generated=field.generated
    )

"""``holdall access``: whether a user may do something with a record, and what each rule says."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdall.cli.acting import Acting, Roles
from holdall.cli.failure import Failure
from holdall.cli.plain import lines
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError
from holdall.model import decode_text
from holdall.policy import ANONYMOUS
from holdall.session import AccessReport

__all__ = ["access"]

Collection = Annotated[str, typer.Argument(help="The collection of the record.")]
Key = Annotated[list[str], typer.Argument(help="The key of the record, each part by itself.")]
Verb = Annotated[str, typer.Option("--verb", help="read, create, update or delete.")]
Who = Annotated[str | None, typer.Option("--as", metavar="LOGIN", help="The user; without it, an anonymous visitor.")]
Facts = Annotated[list[str] | None, typer.Option("--attribute", help="An attribute of the user, as tenant=north.")]


def access(
    target: TargetText,
    collection: Collection,
    key: Key,
    verb: Verb = "read",
    who: Who = None,
    role: Roles = None,
    attribute: Facts = None,
) -> None:
    """Tell whether a user may do something with a record, rule by rule; ends with 1 where he may not."""
    app = Target(target).app
    facts = dict(each.partition("=")[::2] for each in attribute or [])
    acting = Acting(who, role, facts)

    async def look() -> AccessReport:
        try:
            app.bindings.configure()
            binding = app.bindings.of_name(collection)
            if len(key) != len(binding.declaration.key):
                raise Failure(f"the key of a {collection} has {len(binding.declaration.key)} parts")
            parts = [decode_text(field, text) for field, text in zip(binding.declaration.key, key, strict=True)]
            async with app.session() as session:
                record = await session.require(binding.model, *parts)
                return await app.explain_access(await acting.user(app, ANONYMOUS), verb, record)
        finally:
            await app.close()

    try:
        report = asyncio.run(look())
    except HoldallError as error:
        raise Failure(str(error)) from error
    print(lines(report))
    if not report.is_allowed:
        raise typer.Exit(1)

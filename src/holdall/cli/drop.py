"""``holdall drop``: drop a collection, with its table, files or keys, once that is confirmed."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError
from holdall.model import Model

__all__ = ["drop"]

Collection = Annotated[str, typer.Argument(help="The collection that is dropped.")]
Referring = Annotated[bool, typer.Option("--referring", help="Drop the collections that refer to it as well.")]
Confirmed = Annotated[str | None, typer.Option("--confirm", help="The name of the collection once more.")]


def drop(target: TargetText, collection: Collection, referring: Referring = False, confirm: Confirmed = None) -> None:
    """Drop a collection: all its records, and the table, files or keys in which they lie."""
    app = Target(target).app
    models = {binding.collection: binding.model for binding in app.collections()}
    if collection not in models:
        raise Failure(f"there is no collection {collection!r}; there are {', '.join(sorted(models))}", MISUSE)
    if confirm != collection:
        raise Failure(f"this cannot be undone: --confirm {collection} drops it", MISUSE)
    try:
        gone = asyncio.run(_dropped(app, models[collection], referring))
    except HoldallError as error:
        raise Failure(str(error)) from error
    print(f"dropped: {', '.join(gone)}")


async def _dropped(app: Holdall, model: type[Model], referring: bool) -> list[str]:
    try:
        return await app.drop(model, referring=referring)
    finally:
        await app.close()

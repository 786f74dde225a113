"""``holdall act``: run an action from the command line, in one context and one commit."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, NamedTuple

import typer

from holdall.actions import Content, DeclaredAction, On, made_of
from holdall.app import Holdall
from holdall.cli.acting import Acting, As, Roles, model_of, named_values, shown
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.target import Target, TargetText
from holdall.errors import HoldallError, NotFound, StateError
from holdall.model import Model, Record
from holdall.query import ALWAYS, Compare, Condition, Key, Op, Query, Value, both, parse_condition
from holdall.session import Binding, Session

__all__ = ["act"]

CollectionText = Annotated[str, typer.Argument(metavar="COLLECTION", help="The collection that the action is of.")]
ActionText = Annotated[str, typer.Argument(metavar="ACTION", help="Its name, as in a path: vote.")]
Inputs = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its inputs: text, or JSON as tags='[1, 2]'.")
]
Keys = Annotated[list[str] | None, typer.Option("--key", help="The key of a record; may be repeated.")]
Where = Annotated[str | None, typer.Option("--where", help="All records of a condition, as in 'pages > 100'.")]
Chosen = Annotated[str | None, typer.Option("--selection", help="All records of a selection.")]
Params = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter of it.")]
Most = Annotated[int, typer.Option("--max-affected", help="The most records that may be meant.")]
Later = Annotated[bool, typer.Option("--later", help="Only note it as a job, and print its id: jobs resume runs it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be written, and write nothing.")]


def act(
    target: TargetText,
    collection: CollectionText,
    action: ActionText,
    inputs: Inputs = None,
    key: Keys = None,
    where: Where = None,
    selection: Chosen = None,
    param: Params = None,
    user: As = None,
    role: Roles = None,
    most: Most = 1_000,
    dry_run: DryRun = False,
    later: Later = False,
) -> None:
    """Run an action on nothing, on records by their keys, or on all that are meant; print its result as JSON.

    One that is declared as a job is noted and run as such; its id goes to the standard error.
    """
    if sum(each is not None for each in (key or None, where, selection)) > 1:
        raise Failure("records are named by --key, by --where or by --selection, not by several of these", MISUSE)
    if dry_run and later:
        raise Failure("--dry-run writes nothing, and --later notes a job: give one of them", MISUSE)
    if param and selection is None:
        raise Failure("--param is of the selection that --selection names", MISUSE)
    acting = Acting(user, role)
    app = Target(target).app
    model_of(app, collection)
    meant = _Meant(key or [], where, selection, named_values(param or []))
    try:
        found = asyncio.run(
            _acted(app, collection, action, named_values(inputs or []), meant, acting, most, _How(dry_run, later))
        )
    except (NotFound, StateError) as error:
        raise Failure(str(error), MISUSE) from error
    except HoldallError as error:
        raise Failure(f"{type(error).__name__}: {error}") from error
    if isinstance(found, Content):
        sys.stdout.buffer.write(found.body)
    else:
        print(found if isinstance(found, str) else shown(found))


class _How(NamedTuple):
    is_dry: bool
    is_later: bool


class _Meant:
    """The records that the options mean."""

    def __init__(self, keys: list[str], where: str | None, selection: str | None, values: dict[str, Value]) -> None:
        self.keys, self.where, self.selection, self.values = keys, where, selection, values

    @property
    def is_any(self) -> bool:
        """Whether an option names records."""
        return bool(self.keys) or self.where is not None or self.selection is not None

    async def of(self, session: Session, collection: str, declared: DeclaredAction) -> object:
        """A record, several, or a query for them; None for nothing."""
        binding = session.context.bindings.of_name(collection)
        if self.where is not None:
            asked: Query[Model] = Query(binding.collection, parse_condition(self.where))
            condition = both(session.context.bindings.asked(asked).condition, declared.wanted)
            return Query(binding.collection, condition, model=binding.model)
        if self.selection is not None:
            return session.select(f"{collection}/{self.selection}", **self.values)
        parts = [text.split(",") if len(binding.schema.key) > 1 else [text] for text in self.keys]
        keys = [binding.declaration.json_input.key(part) for part in parts]
        records = [await _required(session, binding, each, declared.wanted) for each in keys]
        if not records:
            return None
        return records[0] if len(records) == 1 and declared.on is not On.ALL else records


async def _required(session: Session, binding: Binding, key: Key, wanted: Condition) -> Record:
    """The record with this key. Raises NotFound where there is none that is wanted."""
    if wanted == ALWAYS:
        return await session.require(binding.model, *(key if isinstance(key, tuple) else (key,)))
    parts = key if isinstance(key, tuple) else (key,)
    for name, part in zip(binding.schema.key, parts, strict=True):
        wanted = both(wanted, Compare((name,), Op.EQ, part))
    found: list[Record] = await session.query(Query(binding.collection, wanted, model=binding.model))
    if not found:
        raise NotFound(binding.collection, key)
    return found[0]


async def _acted(
    app: Holdall,
    collection: str,
    name: str,
    inputs: dict[str, Value],
    meant: _Meant,
    acting: Acting,
    most: int,
    how: _How,
) -> object:
    app.bindings.configure()
    try:
        user = await acting.user(app)
        declared = app.by_name.actions.seen(collection, name, user)
        if declared.on is not On.NOTHING and not meant.is_any:
            raise Failure(f"{name} is done on records: name them by --key, --where or --selection", MISUSE)
        action = made_of(declared.kind, declared.inputs.from_builtins(inputs))
        async with app.context({"command": f"act {collection} {name}"}, user=user) as context:
            on = await meant.of(context.session, collection, declared)
            if how.is_dry:
                return await app.by_name.rehearse(context.session, action, on, most)
            if declared.kind.__as_job__ or how.is_later:
                job = await app.start_action(context.session, action, on, max_affected=most)
                return job if how.is_later else await _of_job(app, job)
            return await app.by_name.act(context.session, action, on, most, context.core)
    finally:
        await app.close()


async def _of_job(app: Holdall, job: str) -> object:
    """The result of a job that is run to its end. Raises Failure where it has none, or records failed."""
    print(job, file=sys.stderr)
    report = await app.jobs.run(job)
    if report.state != "done" or report.failed:
        raise Failure(str(report))
    return report.result

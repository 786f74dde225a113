"""The revisions of one SQL store: what a program asks for, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from alembic.operations import ops
from alembic.script import ScriptDirectory

from holdall.errors import RevisionError
from holdall.store import Revision, Wishes
from holdall.stores.sql.given_connections import Connections
from holdall.stores.sql.revisions.comparing import Comparison, compare
from holdall.stores.sql.revisions.completing import Need, completed, flat, reversed_operations, with_late_references
from holdall.stores.sql.revisions.files import Folder
from holdall.stores.sql.revisions.filling import Fills, neutral
from holdall.stores.sql.revisions.renaming import renamed
from holdall.stores.sql.revisions.running import applied, done_by, downwards, run, script_between, stamp, upwards
from holdall.stores.sql.revisions.snapshot import Snapshot, snapshot_of
from holdall.stores.sql.tables import Tables

__all__ = ["SqlRevisions"]

T = TypeVar("T")

_MENDED = {"missing-table", "missing-column", "unique", "foreign-key", "type", "extent", "collation", "order"}
_BY_HAND = {"key", "counter"}


class SqlRevisions(msgspec.Struct, eq=False):
    """Makes revisions and carries them out.

    ``altering`` lends connections for the tables, alone; ``forget`` lets the store look at its tables anew.

    Example: ``docs/revisions.md``.
    """

    store: str
    tables: Callable[[], Tables]
    altering: Callable[[], AbstractAsyncContextManager[Connections]]
    learn: Callable[[], Awaitable[None]]
    forget: Callable[[], Awaitable[None]]
    folder: Path

    @property
    def _files(self) -> Folder:
        return Folder(self.store, self.folder)

    async def make(self, message: str, wishes: Wishes) -> Revision | None:
        """Write the file that makes of the tables what the models say; None where nothing is to be done."""
        wanted, files = await self._wanted(), self._files
        snapshot = files.snapshot()

        def look(connection: sa.Connection) -> Revision | None:
            self._demand_current(connection, files)
            if wishes.is_baseline:
                self._demand_alike(connection, files, wanted)
            comparison = compare(connection, wanted, snapshot, is_empty=wishes.is_baseline)
            if wishes.is_empty:
                return files.write(message, [], [], snapshot_of(wanted), comparison.context, [])
            up, down, left = self._operations(comparison, wanted, snapshot, wishes)
            if not up:
                return None
            return files.write(message, up, down, snapshot_of(wanted), comparison.context, left)

        return await self._on_connection(look)

    def _operations(
        self, comparison: Comparison, wanted: Tables, snapshot: Snapshot, wishes: Wishes
    ) -> tuple[list[ops.MigrateOperation], list[ops.MigrateOperation], list[str]]:
        for each in comparison.told:
            if each.code in _BY_HAND:
                raise RevisionError(self.store, f"{each}: write this step by hand, in a revision that is made empty")
        found = with_late_references(flat(comparison.operations), wanted.dialect)
        found = renamed(self.store, found, wishes.renames, wanted.dialect.sqlalchemy)
        back = with_late_references(reversed_operations(found), wanted.dialect)
        fills = Fills(self.store, wanted, wishes.fills)

        def fill(table: str, column: str, need: Need) -> str | None:
            text = fills.of(table, column)
            if text is None and need is Need.SURELY:
                raise RevisionError(
                    self.store,
                    f"{table}.{column} must have a value, and rows that are there have none: give the field a default,"
                    f" or say the value for them ({_field(wanted, table, column)}=…)",
                )
            return text

        def before(table: str, column: str, need: Need) -> str | None:
            return (
                None
                if need is Need.NO
                else neutral(snapshot.get(table, {}).get("columns", {}).get(column, "str"), wanted)
            )

        changed = {str(getattr(each, "column_name", "")) for each in found}
        left = [each for each in comparison.told if each.code not in _MENDED and each.column not in changed]
        return completed(found, wanted, fill), completed(back, wanted, before), [str(each) for each in left]

    def names(self) -> list[str]:
        """Return the names of the revisions in the folder, the first one first."""
        return [each.revision for each in self._files.all()]

    async def table_names(self) -> set[str]:
        """Return the tables of the models, and those that a revision made."""
        return {*(await self._wanted()).metadata.tables, *self._files.snapshot()}

    async def upgrade(self, target: str = "head") -> list[Revision]:
        """Carry out what is missing up to a revision, and return it."""
        files = self._files
        if not files.all():
            return []
        wanted = files.find(target).revision
        return await self._moved(files, lambda scripts, current: upwards(scripts, wanted, current))

    async def downgrade(self, target: str) -> list[Revision]:
        """Take back what came after a revision, ``base`` for all of it, and return it."""
        files = self._files
        if not files.all():
            return []
        wanted = "base" if target == "base" else files.find(target).revision
        return await self._moved(files, lambda scripts, current: downwards(scripts, wanted, current))

    async def _moved(
        self, files: Folder, steps: Callable[[ScriptDirectory, Sequence[str]], list[Any]]
    ) -> list[Revision]:
        dialect = (await self._wanted()).dialect
        scripts = files.scripts
        before, after = set[str](), set[str]()

        def begin(current: Sequence[str], _: Any) -> list[Any]:
            before.update(done_by(scripts, current))
            return steps(scripts, current)

        def move(connection: sa.Connection) -> None:
            run(self.store, connection, scripts, dialect, begin)
            after.update(done_by(scripts, applied(connection)))

        await self._on_connection(move)
        done = before ^ after
        return [files.revision(each, after) for each in files.all() if each.revision in done]

    async def stamp(self, target: str = "head") -> None:
        """Note that the tables are as a revision leaves them, and change nothing else."""
        files = self._files
        name = "base" if target == "base" else files.find(target).revision
        await self._on_connection(lambda connection: stamp(connection, files.scripts, name))

    async def drift(self) -> list[str]:
        """Return what a new revision would change, a sentence each."""
        wanted, files = await self._wanted(), self._files
        snapshot = files.snapshot()

        def look(connection: sa.Connection) -> list[str]:
            comparison = compare(connection, wanted, snapshot)
            return [_sentence(each) for each in flat(comparison.operations)]

        return await self._on_connection(look)

    async def history(self) -> list[Revision]:
        """Return all revisions, the first one first."""
        files = self._files
        scripts = files.all()
        if not scripts:
            return []
        done = done_by(files.scripts, await self._on_connection(applied))
        return [files.revision(each, done) for each in scripts]

    def script(self, start: str, target: str) -> str:
        """Return the SQL that leads from one revision to another, for somebody else to run."""
        files = self._files
        begin = "base" if start == "base" else files.find(start).revision
        try:
            return script_between(files.scripts, self.tables().dialect, begin, files.find(target).revision)
        except Exception as error:
            raise RevisionError(
                self.store,
                f"these revisions need the database itself ({type(error).__name__}), as where SQLite makes a table"
                " anew: carry them out by holdall db upgrade",
            ) from error

    async def _wanted(self) -> Tables:
        """The tables as ``create`` would make them, whatever is there."""
        await self.learn()
        bound = self.tables()
        wanted = Tables(bound.dialect)
        wanted.bind(list(bound.schemas.values()))
        return wanted

    def _demand_current(self, connection: sa.Connection, files: Folder) -> None:
        scripts = files.all()
        missing = len(scripts) - len(done_by(files.scripts, applied(connection))) if scripts else 0
        connection.rollback()
        if missing:
            raise RevisionError(
                self.store, f"{missing} revisions are not carried out yet: carry them out before the next one is made"
            )

    def _demand_alike(self, connection: sa.Connection, files: Folder, wanted: Tables) -> None:
        if files.all():
            raise RevisionError(self.store, f"there are revisions in {files.path}; a baseline is the first of all")
        if flat(compare(connection, wanted, {}).operations):
            raise RevisionError(
                self.store,
                "the tables are not as the models say, which a baseline takes them to be: make them by holdall create,"
                " or write a revision that is none",
            )
        connection.rollback()

    async def _on_connection(self, act: Callable[[sa.Connection], T]) -> T:
        try:
            async with self.altering() as connections:
                return await connections.run(act)
        finally:
            await self.forget()


def _field(tables: Tables, table: str, column: str) -> str:
    """The field of a column, as collection and name."""
    for name in tables.schemas:
        layout = tables.layout(name)
        for field, leaves in layout.leaves.items():
            if layout.table.key == table and column in [leaf.name for leaf in leaves]:
                return f"{name}.{field}"
    return f"{table}.{column}"


def _sentence(each: ops.MigrateOperation) -> str:
    match each:
        case ops.AddColumnOp():
            return f"add column {each.table_name}.{each.column.name}"
        case ops.DropColumnOp():
            return f"drop column {each.table_name}.{each.column_name}"
        case ops.AlterColumnOp():
            return f"change column {each.table_name}.{each.column_name}"
        case ops.CreateTableOp():
            return f"make table {each.table_name}"
        case ops.DropTableOp():
            return f"drop table {each.table_name}"
        case ops.CreateIndexOp():
            return f"make index {each.index_name}"
        case ops.DropIndexOp():
            return f"drop index {each.index_name}"
        case ops.DropConstraintOp():
            return f"drop rule {each.constraint_name}"
        case ops.AddConstraintOp():
            return f"add rule {getattr(each, 'constraint_name', '')}"
    return type(each).__name__

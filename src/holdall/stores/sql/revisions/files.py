"""The files of revisions: plain Alembic, written to be read and changed before they are carried out."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from pprint import pformat
from typing import Any
from uuid import uuid4

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from holdall.errors import RevisionError
from holdall.store import Revision
from holdall.stores.sql.revisions.snapshot import Snapshot

__all__ = ["Folder"]

_MOST = 10_000  # revisions
_TEXT = '''"""{message}

Revision {name}, made {made}, after {after}. To be read before it is carried out.
{left}"""

{imports}

revision = {name!r}
down_revision = {down!r}
branch_labels = None
depends_on = None

# The tables as this revision leaves them. Nothing else is ever dropped by a later one.
tables = {tables}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


class Folder:
    """The revisions of one store in a folder."""

    def __init__(self, store: str, path: Path) -> None:
        self._store = store
        self.path = path
        self._read: tuple[object, ScriptDirectory] | None = None

    @property
    def scripts(self) -> ScriptDirectory:
        """The files, read anew where one of them came, went or was changed."""
        state = self._state()
        if self._read is None or self._read[0] != state:
            self._read = (state, ScriptDirectory(str(self.path), version_locations=[str(self.path)]))
        return self._read[1]

    def _state(self) -> object:
        """The names of the files, their sizes, and when they were changed."""
        try:
            with os.scandir(self.path) as entries:
                found = [(each.name, each.stat()) for each in entries if each.name.endswith(".py")]
        except FileNotFoundError:
            return None
        return sorted((name, told.st_ino, told.st_size, told.st_mtime_ns) for name, told in found)

    def all(self) -> list[Script]:
        """All revisions, the first one first. Raises RevisionError where files do not make one line."""
        if not self.path.is_dir():
            return []
        try:
            found = list(self.scripts.walk_revisions())[:_MOST]
        except (CommandError, SyntaxError, ImportError) as error:
            raise RevisionError(self._store, f"the revisions in {self.path} cannot be read: {error}") from error
        heads = [each.revision for each in found if each.is_head]
        if len(heads) > 1:
            named = ", ".join(sorted(heads))
            raise RevisionError(
                self._store,
                f"{len(heads)} revisions in {self.path} are the last one ({named}): "
                "let down_revision of one of them name the other",
            )
        return found[::-1]

    def find(self, name: str) -> Script:
        """The revision whose name begins so, or the last one for ``head``. Raises RevisionError."""
        scripts = self.all()
        found = [each for each in scripts if each.revision.startswith(name)]
        if name == "head":
            found = scripts[-1:]
        if len(found) != 1:
            if not scripts:
                raise RevisionError(
                    self._store, f"there is no revision in {self.path} yet; holdall db revision makes one"
                )
            number = "no revision" if not found else "more than one revision"
            raise RevisionError(self._store, f"there is {number} {name!r} in {self.path}")
        return found[0]

    def snapshot(self) -> Snapshot:
        """The tables as the last revision leaves them."""
        for script in reversed(self.all()):
            found: Any = getattr(script.module, "tables", None)
            if isinstance(found, Mapping):
                return found
        return {}

    def revision(self, script: Script, applied: Iterable[str] = ()) -> Revision:
        """A file as a value."""
        down = script.down_revision
        after = () if down is None else (down,) if isinstance(down, str) else tuple(down)
        message = script.doc.partition("\n")[0]
        return Revision(script.revision, message, after, Path(script.path), script.revision in set(applied))

    def write(
        self,
        message: str,
        upgrade: list[ops.MigrateOperation],
        downgrade: list[ops.MigrateOperation],
        tables: Snapshot,
        context: MigrationContext,
        left: list[str],
    ) -> Revision:
        """Write the next revision."""
        before = self.all()
        down = before[-1].revision if before else None
        name = uuid4().hex[:12]
        now = dt.datetime.now(dt.UTC)
        rendering = AutogenContext(
            context,
            opts={
                "sqlalchemy_module_prefix": "sa.",
                "alembic_module_prefix": "op.",
                "render_item": None,
                "render_as_batch": context.dialect.name == "sqlite",
                "user_module_prefix": None,
            },
        )
        body = [_body(rendering, each) for each in (upgrade, downgrade)]
        imports = sorted({"import sqlalchemy as sa", "from alembic import op", *rendering.imports})
        text = _TEXT.format(
            message=message.replace('"""', "'''").replace("\\", "\\\\"),
            name=name,
            made=f"{now:%Y-%m-%d %H:%M} UTC",
            after=down or "nothing",
            left="".join(f"\nLeft as it is: {each}" for each in left) + ("\n" if left else ""),
            imports="\n".join(imports),
            down=down,
            tables=pformat({key: dict(value) for key, value in tables.items()}, width=110, sort_dicts=False),
            upgrade=body[0],
            downgrade=body[1],
        )
        slug = re.sub(r"\W+", "_", message.lower()).strip("_")[:40] or "revision"
        file = self.path / f"{now:%Y%m%d_%H%M%S}_{name}_{slug}.py"
        self.path.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return Revision(name, message, () if down is None else (down,), file, is_applied=False)


def _body(rendering: AutogenContext, found: list[ops.MigrateOperation]) -> str:
    lines = [line for each in found for line in _lines(rendering, each)]
    return "\n".join(f"    {line}".rstrip() for line in lines) or "    pass"


def _lines(rendering: AutogenContext, each: ops.MigrateOperation) -> list[str]:
    if isinstance(each, ops.RenameTableOp):  # which Alembic never finds, and does not write
        schema = f", schema={str(each.schema)!r}" if each.schema else ""
        return [f"op.rename_table({str(each.table_name)!r}, {str(each.new_table_name)!r}{schema})"]
    lines = "\n".join(render_op(rendering, each)).rstrip().split("\n")
    if isinstance(each, ops.ModifyTableOps):
        return [lines[0], *(f"    {line}" for line in lines[1:])]
    return lines

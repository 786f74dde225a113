"""The part of an application that writes records into files, and takes them in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from holdall.app.transfer.exporting import export_records
from holdall.app.transfer.importing import Importing
from holdall.app.transfer.report import ImportReport
from holdall.model import Model
from holdall.policy import SYSTEM, User
from holdall.query import AnyQuery, Query
from holdall.session import Bindings

__all__ = ["Transferring"]


class Transferring:
    """Files of records, for ``Holdall``. Example: ``docs/import-export.md``."""

    bindings: Bindings

    async def export_records(
        self,
        meant: type[Model] | AnyQuery,
        path: Path | str,
        *,
        form: str | None = None,
        columns: Sequence[str] | None = None,
        user: User = SYSTEM,
        keeps_formulas: bool = False,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Write a collection, or all records of a query, into a file, and return how many there are.

        ``form`` is ``csv``, ``ndjson`` or ``yaml``, if the file's name does not say so; ``columns`` are fields, in
        their order, all stored ones without it. The file is as the user may read the records, and takes the place of an
        earlier one when it is whole. Text that a spreadsheet would take for a formula has an apostrophe before it,
        unless ``keeps_formulas``. Raises DeclarationError, QueryError, OSError. Example: ``docs/import-export.md``.
        """
        query = Query(self.bindings.of_model(meant).collection, model=meant) if isinstance(meant, type) else meant
        return await export_records(
            self.bindings,
            query,
            Path(path),
            form=form,
            columns=columns,
            user=user,
            keeps_formulas=keeps_formulas,
            progress=progress,
        )

    async def import_records(
        self,
        model: type[Model],
        path: Path | str,
        *,
        form: str | None = None,
        upsert: bool = False,
        skip: Collection[str] = (),
        dry_run: bool = False,
        batch: int = 500,
        user: User = SYSTEM,
        keeps_formulas: bool = False,
        progress: Callable[[ImportReport], object] | None = None,
    ) -> ImportReport:
        """Add a record for each line of a file, and report the lines that are refused; nothing of these is stored.

        With ``upsert`` a line changes the record of its key where there is one. ``skip`` names columns to leave out,
        ``batch`` is how many lines are one commit. With ``dry_run`` nothing is written; rules are looked at, and
        what only a store can refuse is not. The program itself may give keys that stores make; versions and moments are
        made anew. Raises DeclarationError, StateError, LimitExceeded, OSError. Example: ``docs/import-export.md``.
        """
        self.bindings.configure()
        importing = Importing(
            self.bindings,
            self.bindings.of_model(model),
            user,
            upsert=upsert,
            skip=skip,
            is_dry_run=dry_run,
            batch=batch,
            keeps_formulas=keeps_formulas,
            progress=progress,
        )
        return await importing.run(Path(path), form)

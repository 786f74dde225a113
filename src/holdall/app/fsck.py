"""Looking through all stores for references that lead nowhere and other ends that say something else; repairing them.

It goes by key, batch by batch, and can be taken up again at a position. It repairs by ordinary commits, one a batch.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from holdall.app.findings import Fault, FsckProgress, FsckReport, Tally
from holdall.errors import CommitError, StateError, ValidationError
from holdall.model import OnDelete, decode_text
from holdall.policy import SYSTEM
from holdall.query import ALWAYS
from holdall.session import Bindings, Session
from holdall.session.binding import Binding
from holdall.session.references.asking import Asking
from holdall.session.references.bond import Bond
from holdall.session.references.consequences import Consequences, key_in
from holdall.session.references.relations import Localizer
from holdall.session.references.stub import field_names
from holdall.store import Row

__all__ = ["Fsck"]


class Fsck:
    """One look through everything; see ``Holdall.fsck``."""

    def __init__(
        self, bindings: Bindings, *, repair: bool, batch: int, progress: Callable[[FsckProgress], object] | None
    ) -> None:
        self._bindings = bindings
        self._repair = repair
        self._batch = batch
        self._progress = progress
        self._asking = Asking(Localizer(bindings, SYSTEM))
        self._tally = Tally()

    async def run(self, start: str | None = None) -> FsckReport:
        """Look at every reference, then at every other end that is stored, then at those that only one may lead to."""
        bonds = [bond for binding in self._bindings for bond in binding.bonds if binding.recordwise is None]
        mirrors = [(bond, back) for bond in bonds for back in bond.mirrors]
        places: list[tuple[str, Bond, Any]] = [
            *[(bond.name, bond, self._dangling) for bond in bonds],
            *[(f"{bond.target.collection}.{back.name}", bond, self._one_sided) for bond, back in mirrors],
            *[(f"{bond.name} alone", bond, self._shared) for bond in bonds if bond.is_single],
        ]
        names = [name for name, _, _ in places]
        wanted, after = _read_position(start) if start is not None else (names[0] if names else "", [])
        if names and wanted not in names:
            raise StateError(f"{start!r} is no position of this Holdall's fsck; begin anew")
        for name, bond, look in places[names.index(wanted) if names else 0 :]:
            walked = bond.target if look == self._one_sided else bond.source
            key = _key_of(walked, after) if name == wanted and after else None
            await self._walk(name, bond, walked, look, key)
        return self._tally.report()

    async def _walk(self, name: str, bond: Bond, walked: Binding, look: Any, after: Any) -> None:
        names = field_names(walked, is_changed=True)
        pages: AsyncIterator[list[Row]] = self._asking.pages(walked, ALWAYS, names, after=after, size=self._batch)
        parts = len(walked.schema.key)
        async for rows in pages:
            keyed = {(row[0] if parts == 1 else row[:parts]): row for row in rows}
            session = Session(self._bindings)
            found = Consequences(session._records, session._bindings)
            faults = await look(bond, names, keyed, found)
            repaired = bool(self._repair and not found.is_empty) and await _commit(session, found)
            for fault in faults:
                self._tally.add(msgspec.structs.replace(fault, is_repaired=fault.is_repaired and repaired))
            self._tally.checked += len(rows)
            if self._progress is not None:
                position = json.dumps([name, *map(str, rows[-1][:parts])])
                self._progress(FsckProgress(name, self._tally.checked, self._tally.number, position))

    async def _dangling(
        self, bond: Bond, names: Sequence[str], rows: dict[Any, Row], found: Consequences
    ) -> list[Fault]:
        """References to records that are not there: emptied, or their record removed where the rules say so."""
        place, is_many = names.index(bond.field.name), bond.field.form is not None
        wanted = {key for row in rows.values() for key in (row[place] or () if is_many else (row[place],))} - {None}
        lost = wanted - await self._asking.existing(bond.target, wanted)
        faults = []
        for key, row in rows.items():
            held = row[place] or () if is_many else (row[place],)
            if lost.isdisjoint(held):
                continue
            record = found.record(bond.source, key, tuple(names), row)
            can_repair = True
            if is_many:
                left = tuple([item for item in bond.field.get(record) if key_in(item) not in lost])
                found.change(record, key, bond.field, left)
            elif bond.field.nullable:
                found.change(record, key, bond.field, None)
            elif bond.on_delete is OnDelete.CASCADE:
                found.remove(bond.source, key, record)
            else:
                can_repair = False
            faults.append(Fault("dangling", bond.source.collection, bond.field.name, key, can_repair))
        return faults

    async def _one_sided(
        self, bond: Bond, names: Sequence[str], rows: dict[Any, Row], found: Consequences
    ) -> list[Fault]:
        """Stored other ends that do not say what the references say: written anew."""
        referring: dict[Any, list[Any]] = {key: [] for key in rows}
        own, parts = (*bond.source.schema.key, bond.field.name), len(bond.source.schema.key)
        async for page in self._asking.referring(bond, list(rows), own):
            for row in page:
                for key in row[-1] if bond.field.form is not None else (row[-1],):
                    if key in referring:
                        referring[key].append(row[0] if parts == 1 else row[:parts])
        faults = []
        for back in bond.mirrors:
            place = names.index(back.name)
            for key, row in rows.items():
                held = (
                    list(row[place] or ()) if back.form is not None else [row[place]] if row[place] is not None else []
                )
                true = set(referring[key])
                if set(held) == true:
                    continue
                kept = [item for item in held if item in true]
                kept += [item for item in dict.fromkeys(referring[key]) if item not in kept]
                value: Any = tuple(kept) if back.form is not None else (kept[0] if kept else None)
                record = found.record(bond.target, key, tuple(names), row)
                found.change(record, key, back, value)
                faults.append(Fault("one-sided", bond.target.collection, back.name, key, True))
        return faults

    async def _shared(self, bond: Bond, names: Sequence[str], rows: dict[Any, Row], found: Consequences) -> list[Fault]:
        """Several records that refer to one that only one may refer to; which of them is right, is not known here."""
        place = names.index(bond.field.name)
        counts: dict[Any, int] = {row[place]: 0 for row in rows.values() if row[place] is not None}
        async for page in self._asking.referring(bond, list(counts), (*bond.source.schema.key, bond.field.name)):
            for row in page:
                counts[row[-1]] += 1
        return [
            Fault("shared", bond.source.collection, bond.field.name, key, False)
            for key, row in rows.items()
            if counts.get(row[place], 0) > 1
        ]


async def _commit(session: Session, found: Consequences) -> bool:
    """Write the repairs of one batch; whether they were written."""
    induced = found.induce()
    try:
        await session.commit()
    except (CommitError, ValidationError):
        return False
    finally:
        induced.end()
    return True


def _read_position(text: str) -> tuple[str, list[str]]:
    try:
        name, *key = json.loads(text)
    except (ValueError, TypeError) as error:
        raise StateError(f"{text!r} is no position that fsck has told") from error
    return str(name), [str(part) for part in key]


def _key_of(binding: Binding, texts: list[str]) -> Any:
    fields = binding.declaration.key
    parts = tuple([field.encode(decode_text(field, text)) for field, text in zip(fields, texts, strict=True)])
    return parts if len(parts) > 1 else parts[0]

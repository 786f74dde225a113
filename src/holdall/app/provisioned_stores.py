"""The part of an application that looks after what its stores hold beside records: tables, differences, guarantees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from holdall.app.dropping import Dropping
from holdall.app.migrating import Change, Migration, MigrationReport
from holdall.app.observation import Observation
from holdall.app.provisioning import Provisioning
from holdall.app.revising import Revising
from holdall.errors import SchemaMismatch
from holdall.model import Model
from holdall.policy import SYSTEM, User
from holdall.query import Key
from holdall.session import Recovery
from holdall.store import named

__all__ = ["ProvisionedStores"]


class ProvisionedStores:
    """An application whose stores can be made ready and looked at. Example: :class:`Provisioning`."""

    _observation: Observation
    _provisioning: Provisioning
    recovery: Recovery

    async def create(self) -> None:
        """Create what the stores lack for the collections; nothing that is there is changed. For development.

        Raises StoreError where a store refuses. Example: :class:`Provisioning`.
        """
        self._observation.look()
        await self._provisioning.create()

    async def drop(self, model: type[Model], *, referring: bool = False) -> list[str]:
        """Drop a collection: its records, and the table, files or keys in which they lie. Return what was dropped.

        The model stays declared, and ``create`` makes its place anew. ``referring`` drops the collections that refer to
        it as well, and those that refer to them. Commits that others left behind are finished first. Contents of files
        stay until they are collected. Raises StateError where others refer to it, ReadOnly and Unsupported where its
        store cannot drop. Example: ``docs/models.md``.
        """
        bindings = self._provisioning.bindings
        binding, dropping = bindings.of_model(model), Dropping(bindings)
        dropping.doomed(binding, referring=referring)
        await self.recovery.run()
        return await dropping.drop(binding, referring=referring)

    def revisions(self, folder: str | Path = "revisions") -> Revising:
        """The revisions of its tables, in this folder: files that are reviewed and carried out in order.

        Example: ``docs/revisions.md``.
        """
        return Revising(self._provisioning.bindings, self._provisioning.stores, Path(folder))

    async def migrate(
        self,
        model: type[Model],
        change: Change,
        *,
        dry_run: bool = True,
        name: str | None = None,
        ids: Sequence[Key] | None = None,
        batch: int = 500,
        progress: Callable[[MigrationReport], object] | None = None,
        user: User = SYSTEM,
    ) -> MigrationReport:
        """Let a function change all records of a collection, or those with these keys, and report the changes.

        ``change`` takes a record, changes it in place or returns the values of its fields, and may be async. Nothing is
        written unless ``dry_run=False``. Each ``batch`` of records is a commit; a record that cannot be what it should
        stays as it is, and is reported. With a ``name``, each commit notes how far it came: a run that was stopped is
        taken up where it was, each record is changed once, and a migration that is done is not done again. For a
        ``user`` it reads and changes what that user may, and has no name.

        Raises StateError while another program works on a migration of this name. Example: ``docs/revisions.md``.
        """
        binding = self._provisioning.bindings.of_model(model)
        migration = Migration(
            self._provisioning.bindings,
            binding,
            change,
            name=name,
            ids=ids,
            is_dry_run=dry_run,
            batch=batch,
            progress=progress,
            user=user,
        )
        return await migration.run()

    async def inspect(self) -> dict[str, list[str]]:
        """Return by store how its content differs from the models, a sentence for each difference; empty if all fit.

        Differences that ``add(accept=...)`` names are left out. Raises StoreError where a store cannot be read.
        Example: :class:`Provisioning`.
        """
        return await self._provisioning.inspect()

    async def accepted(self) -> dict[str, list[str]]:
        """Return by store the differences that are there, and that ``add(accept=...)`` takes.

        Raises StoreError where a store cannot be read. Example: :class:`Provisioning`.
        """
        return await self._provisioning.accepted()

    async def verify(self) -> None:
        """Raise SchemaMismatch, with every difference, for the first store whose content does not fit the models.

        Single records that are amiss do not count where the store can distinguish them; ``inspect`` lists them.
        Example: :class:`Provisioning`.
        """
        for name, differences in (await self.obstacles()).items():
            remedies = self._provisioning.remedies(name, differences)
            raise SchemaMismatch(name, [named(each) for each in differences], remedies)

    async def obstacles(self) -> dict[str, list[str]]:
        """Return what ``inspect`` does, without what concerns single records where the store can distinguish them.

        Example: :class:`Provisioning`.
        """
        return await self._provisioning.obstacles()

    def passed_over(self) -> dict[str, list[str]]:
        """Return by store what ``inspect`` did not look at, a sentence each. Example: :class:`Provisioning`."""
        return self._provisioning.passed_over()

    async def durability(self) -> dict[str, str]:
        """Return by store a sentence that says what its own settings do not promise of a write.

        Empty if every write lasts; a store that cannot be reached is left out. Example: :class:`Provisioning`.
        """
        return await self._provisioning.durability()

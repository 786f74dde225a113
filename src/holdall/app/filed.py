"""The part of an application that is told where the contents of files lie."""

from __future__ import annotations

from holdall.app.collecting_files import CollectedFiles, LostFile, check_files, collect_files
from holdall.app.given import demand_name
from holdall.errors import DeclarationError
from holdall.files import FileStore, open_file_store
from holdall.session import Bindings, Recovery

__all__ = ["Filed"]


class Filed:
    """Knows the file stores.

    Example: :class:`holdall.File`.
    """

    bindings: Bindings
    recovery: Recovery

    def add_files(self, name: str, url: str | FileStore, **options: object) -> None:
        """Add a store for the contents of files, by URL with its own options, or one made by hand.

        ``file:./covers`` is a folder, with ``address="content"`` one that keeps equal contents once; ``memory:`` is for
        tests; ``blob:`` keeps contents in their records; ``s3://bucket`` and others are object stores. Raises
        DeclarationError where the name is taken, the scheme or an option is unknown, or a library is not installed.
        Example: :class:`holdall.File`.
        """
        demand_name("a file store", name)
        made = open_file_store(name, url, **options) if isinstance(url, str) else url
        if made.name != name:
            raise DeclarationError(f"this file store is called {made.name!r}: add it under that name")
        self.bindings.shelf.add(made)

    async def collect_files(self, *, grace: float = 3_600.0, dry_run: bool = False) -> list[CollectedFiles]:
        """Delete the contents to which no record refers, of more than ``grace`` seconds; return counts by store.

        Such are left by programs that died, by bulk changes and by removals that references brought along. Every model
        that refers to a file store must have been added here. No commit may take longer than the grace. Raises
        StateError while commits over several stores are not over, CorruptRecord where a record cannot be read.
        Example: ``docs/attachments.md``.
        """
        self.bindings.configure()
        return await collect_files(self.bindings, self.recovery, grace, dry_run=dry_run)

    async def check_files(self) -> list[LostFile]:
        """Return every record whose file is not there, or not as long as it was. Example: ``docs/attachments.md``."""
        self.bindings.configure()
        return [lost async for lost in check_files(self.bindings)]

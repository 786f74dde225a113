"""The identity of a folder, in a file of the store's own: a folder that is put in its place has another, or none."""

from __future__ import annotations

from functools import partial

from anyio.to_thread import run_sync

from holdall.store import decode_identity, encode_identity, new_identity
from holdall.stores.yaml.access import FolderAccess
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.journal import FileEdit, Journal
from holdall.stores.yaml.lock import OWN

__all__ = ["IdentifiedYamlStore"]

_PLACE = f"{OWN}/identity"
_LARGEST = 2**12


class IdentifiedYamlStore:
    """The part of a YAML store that tells its folder from others."""

    name: str
    _folder: Folder
    _access: FolderAccess
    _journal: Journal

    async def identity(self, *, makes: bool) -> str:
        """The identity of the folder. Raises UnknownFormat for what another version of Holdall wrote, CorruptRecord."""
        return await run_sync(partial(self._identity, makes=makes))

    def _identity(self, *, makes: bool) -> str:
        with self._access.reading():
            known = self._kept()
        if known or not makes:
            return known
        with self._access.writing():
            if not self._kept():
                self._journal.change([FileEdit(_PLACE, encode_identity(new_identity()) + b"\n")])
            return self._kept()

    def _dropped_identity(self) -> list[FileEdit]:
        """The file edit that forgets it; used under the lock."""
        return [FileEdit(_PLACE, None)] if self._folder.exists(_PLACE) else []

    def _kept(self) -> str:
        try:
            raw, _ = self._folder.read(_PLACE, _LARGEST)
        except FileNotFoundError:
            return ""
        return decode_identity(self.name, _PLACE, raw)

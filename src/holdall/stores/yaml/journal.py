"""The journal: several files change together or not at all, whatever moment the process dies in.

New contents are staged beside their targets and made durable; then the journal, which names every move, is made durable
under its own name: from here on the change is decided. The moves follow, then the journal is forgotten. The next
process that opens the folder finishes the moves of a journal that is there and sweeps up staged files that have none.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from holdall.errors import CorruptRecord, UnknownFormat
from holdall.store import UNDECODABLE
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.files import Facts, Folder
from holdall.stores.yaml.lock import OWN

__all__ = ["UNKNOWN", "FileEdit", "Journal"]

_JOURNAL = f"{OWN}/journal"
_DRAFT = f"{OWN}/journal.new"
_STAGED = ".holdall-"
_PLACE = re.compile(r"(?:(?!\.\.?/)[^/\0]{1,255}/){0,2}(?!\.\.?\Z)[^/\0]{1,255}")
_JOURNAL_FORMAT = 1  # of the journal's file; one without a number is of the first
_LARGEST = 256 * 2**20


UNKNOWN: Facts = (-1, -1, -1, -1)
"""Whatever is there may be replaced."""


class FileEdit(msgspec.Struct, frozen=True):
    """A file's new content; None removes it. ``before`` is how it was when it was read, None if it was not there."""

    place: str
    content: bytes | None
    before: Facts | None = UNKNOWN


class _Move(msgspec.Struct, frozen=True):
    staged: str | None  # None: the target is removed
    target: str


class _Numbered(msgspec.Struct, frozen=True):
    format: int = 1


class _Decision(msgspec.Struct, frozen=True, kw_only=True):
    format: int = 1
    moves: tuple[_Move, ...]
    digest: str


class Journal:
    """Changes files of one folder; every call is made under the exclusive lock.

    ``reached`` is told each stage as it is passed: tests die there.
    """

    def __init__(self, store: str, folder: Folder, reached: Callable[[str], None] = lambda stage: None) -> None:
        self._store = store
        self._folder = folder
        self.reached = reached

    @property
    def is_pending(self) -> bool:
        """Whether a decided change waits to be finished."""
        return self._folder.exists(_JOURNAL)

    def change(self, edits: Sequence[FileEdit]) -> None:
        """Make all these edits or none. Raises OSError if none was made."""
        token = secrets.token_hex(4)
        moves: list[_Move] = []
        try:
            self._stage(edits, token, moves)
            self._demand_unchanged(edits)
            if len(moves) == 1 and not self._folder.is_linked(moves[0].target):
                self._carry_out(moves)
                return
            previous = self._previous(moves)
            self._decide(moves)
        except OSError:
            self._withdraw(moves)
            raise
        try:
            self.reached("decided")
            self._carry_out(moves)
        except OSError:
            self._reverse(moves, previous, token)
            raise
        self._forget()

    def rehearse(self, edits: Sequence[FileEdit]) -> None:
        """Raise OSError if these edits could not be made now: no rights, no space, something in the way.

        Each folder gets one file with all that is to be written there, and loses it at once.
        """
        contents: dict[str, list[bytes]] = {}
        for edit in edits:
            folder, _, _ = edit.place.rpartition("/")
            contents.setdefault(folder, []).append(edit.content or b"")
            if edit.content is not None and self._folder.is_folder(edit.place):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), edit.place)
        token = secrets.token_hex(4)
        for folder, written in contents.items():
            probe = f"{folder}/{_STAGED}{token}" if folder else f"{_STAGED}{token}"
            try:
                os.close(self._folder.write_new(probe, b"".join(written)))
                self.reached("probed")
            finally:
                self._folder.remove(probe)
        self.reached("rehearsed")

    def recover(self, folders: Sequence[str]) -> None:
        """Finish what is decided, sweep up in these folders what is not.

        Raises CorruptRecord for a broken journal, UnknownFormat for one that another version of Holdall wrote.
        """
        try:
            raw, _ = self._folder.read(_JOURNAL, _LARGEST)
        except FileNotFoundError:
            self._sweep(folders)
            return
        self._carry_out(self._decision(raw).moves, is_repeated=True)
        self._forget()
        self._sweep(folders)

    def _stage(self, edits: Sequence[FileEdit], token: str, moves: list[_Move]) -> None:
        descriptors: list[int] = []
        try:
            for number, edit in enumerate(edits):
                folder, slash, _ = edit.place.rpartition("/")
                if edit.content is None:
                    moves.append(_Move(None, edit.place))
                    continue
                staged = f"{folder}{slash}{_STAGED}{token}-{number}"
                moves.append(_Move(staged, edit.place))
                descriptors.append(self._folder.write_new(staged, edit.content, like=edit.place))
                self.reached(f"staged {number}")
            for descriptor in descriptors:  # after all are written: the first sync then carries most of the others
                os.fsync(descriptor)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        if len(moves) > 1:
            self._sync(moves)
        self.reached("staged")

    def _demand_unchanged(self, edits: Sequence[FileEdit]) -> None:
        """Raise OSError for a file that somebody has written by hand since it was read."""
        known: dict[str, dict[str, Facts | None]] = {}
        for edit in edits:
            if edit.before != UNKNOWN:
                folder, _, name = edit.place.rpartition("/")
                known.setdefault(folder, {})[name] = edit.before
        for folder, files in known.items():
            for name, facts in zip(files, self._folder.facts(folder, list(files)), strict=True):
                if facts != files[name]:
                    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), f"{folder}/{name}" if folder else name)

    def _decide(self, moves: Sequence[_Move]) -> None:
        self._folder.make(OWN)
        self._folder.remove(_DRAFT)
        descriptor = self._folder.write_new(_DRAFT, _encoded(moves))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.reached("deciding")
        self._folder.rename(_DRAFT, _JOURNAL)
        self._folder.sync(OWN)

    def _carry_out(self, moves: Sequence[_Move], *, is_repeated: bool = False) -> None:
        for number, move in enumerate(moves):
            if move.staged is None:
                self._folder.remove(move.target)
            else:
                try:
                    if self._folder.is_linked(move.target):
                        self._folder.overwrite(move.staged, move.target)
                    else:
                        self._folder.rename(move.staged, move.target)
                except FileNotFoundError:
                    if not is_repeated:  # otherwise it was moved before the interruption
                        raise
            self.reached(f"moved {number}")
        self._sync(moves)
        self.reached("moved")

    def _forget(self) -> None:
        self._folder.remove(_JOURNAL)
        self.reached("forgotten")
        self._folder.sync(OWN)

    def _previous(self, moves: Sequence[_Move]) -> list[FileEdit]:
        return [FileEdit(move.target, self._content(move.target)) for move in moves]

    def _content(self, place: str) -> bytes | None:
        try:
            return self._folder.read(place, _LARGEST)[0]
        except FileNotFoundError:
            return None
        except Unreadable as error:
            raise OSError(errno.EISDIR, str(error), place) from error

    def _reverse(self, moves: Sequence[_Move], previous: Sequence[FileEdit], token: str) -> None:
        """Decide the opposite for what was moved, as what was not may be where nothing can be moved.

        Where even that fails the first decision stands, and the next opening finishes it.
        """
        changed = [edit for edit in previous if self._content(edit.place) != edit.content]
        if not changed:
            self._withdraw(moves)
            return
        back: list[_Move] = []
        self._stage(changed, f"{token}-back", back)
        self._decide(back)
        self._discard(moves)
        self._carry_out(back)
        self._forget()

    def _withdraw(self, moves: Sequence[_Move]) -> None:
        """Undecide before anything staged goes, or recovery would make only the moves that are left."""
        if self.is_pending:
            self._folder.remove(_JOURNAL)
            self._folder.sync(OWN)
        self._folder.remove(_DRAFT)
        self._discard(moves)

    def _discard(self, moves: Sequence[_Move]) -> None:
        for move in moves:
            if move.staged is not None:
                self._folder.remove(move.staged)

    def _sync(self, moves: Sequence[_Move]) -> None:
        for folder in sorted({move.target.rpartition("/")[0] for move in moves}):
            self._folder.sync(folder)

    def _sweep(self, folders: Sequence[str]) -> None:
        self._folder.remove(_DRAFT)
        for folder in folders:
            for name, _ in self._folder.entries(folder):
                if name.startswith(_STAGED):
                    self._folder.remove(f"{folder}/{name}" if folder else name)

    def _decision(self, raw: bytes) -> _Decision:
        try:
            number = msgspec.json.decode(raw, type=_Numbered).format
            if number != _JOURNAL_FORMAT:
                raise UnknownFormat(self._store, _JOURNAL, number, _JOURNAL_FORMAT)
            decision = msgspec.json.decode(raw, type=_Decision)
        except UNDECODABLE as error:
            raise CorruptRecord(self._store, _JOURNAL, f"restore the file or remove it: {error}") from error
        places = [place for move in decision.moves for place in (move.staged, move.target) if place is not None]
        if decision.digest != _digest(decision.moves) or not all(map(_PLACE.fullmatch, places)):
            raise CorruptRecord(self._store, _JOURNAL, "it was changed by hand; restore the file or remove it")
        return decision


def _encoded(moves: Sequence[_Move]) -> bytes:
    return msgspec.json.encode(_Decision(format=_JOURNAL_FORMAT, moves=tuple(moves), digest=_digest(moves)))


def _digest(moves: Sequence[_Move]) -> str:
    return sha256(msgspec.json.encode(moves)).hexdigest()

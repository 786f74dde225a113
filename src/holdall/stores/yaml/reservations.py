"""The reservations of commits that are under way: a file for each in the store's own folder, seen by every process.

A file holds the reservation, what it covers, the number of the file's format, and a digest. One that this
version of Holdall does not know covers everything. One that is damaged stops every writer, by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256

import msgspec

from holdall.errors import CorruptRecord, UnknownFormat
from holdall.store import UNDECODABLE, Footprint, Held, Reservation
from holdall.stores.yaml.bounds import Growth
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.files import Folder, Signature, signature_of
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.lock import OWN
from holdall.stores.yaml.names import is_shortened, name_of, parts_of

__all__ = ["NOTHING", "RESERVED", "Reservations", "Waiting"]

RESERVED = f"{OWN}/reserved"
"""The folder with a file for each commit that holds something."""

_RESERVED_FORMAT = 1
_LARGEST = 256 * 2**20


class Waiting(msgspec.Struct, frozen=True):
    """The parts that wait for their commits: what they hold, and by how much each collection will grow."""

    held: Sequence[Held] = ()
    growth: dict[str, Growth] = {}


NOTHING = Waiting()
"""Nothing waits."""


class _Content(msgspec.Struct, frozen=True):
    reservation: msgspec.Raw
    footprint: Footprint
    growth: dict[str, Growth]


class _File(msgspec.Struct, frozen=True):
    format: int
    digest: str
    content: msgspec.Raw


class _Numbered(msgspec.Struct, frozen=True):
    format: int


class _State(msgspec.Struct, frozen=True):
    signature: Signature
    held: Held
    growth: dict[str, Growth] = {}
    reason: str = ""  # why the file cannot be read
    is_damaged: bool = False
    other_format: int | None = None  # that of the file, where this version does not know it


class Reservations:
    """The held parts, kept in step with the folder; used under the store's lock. Methods raise OSError."""

    def __init__(self, store: str, folder: Folder) -> None:
        self._store = store
        self._folder = folder
        self._signature: Signature | None = None
        self._states: dict[str, _State] = {}

    def waiting(self, *, but: str = "") -> Waiting:
        """Return the parts that wait for all commits but ``but``. Raises CorruptRecord for a damaged file of theirs."""
        except_for = _name(but) if but else ""
        growth: dict[str, Growth] = {}
        held = []
        for name, state in self._scanned().items():
            if name == except_for:
                continue
            if state.is_damaged:
                raise CorruptRecord(self._store, f"{RESERVED}/{name}", state.reason)
            held.append(state.held)
            for collection, own in state.growth.items():
                growth[collection] = growth.get(collection, Growth()) + own
        return Waiting(held, growth) if held else NOTHING

    def reservations(self) -> list[Reservation]:
        """Everything held; what cannot be read is told by the commit's id alone."""
        return [state.held.reservation for state in self._scanned().values()]

    def within(self, collections: Collection[str]) -> list[str]:
        """The commits that hold something in these collections and in no other."""
        states = self._scanned().values()
        readable = [(item.held.reservation.commit, item.held.footprint) for item in states]
        return [commit for commit, footprint in readable if footprint and footprint.collections <= set(collections)]

    def problems(self) -> list[str]:
        """Each file that cannot be read, a sentence each."""
        return [f"{RESERVED}/{name}: {state.reason}" for name, state in self._scanned().items() if state.reason]

    def has(self, commit: str) -> bool:
        """Whether this commit holds anything. Raises UnknownFormat for what another version of Holdall wrote."""
        if not self._folder.exists(_place(commit)):
            return False
        state = self._scanned().get(_name(commit))
        if state is not None and state.other_format is not None:
            raise UnknownFormat(self._store, _place(commit), state.other_format, _RESERVED_FORMAT)
        return True

    def hold(self, reservation: Reservation, footprint: Footprint, growth: dict[str, Growth]) -> FileEdit:
        """The file edit by which a commit holds what its changes touch."""
        self._folder.make(RESERVED)
        content = msgspec.json.encode(_Content(msgspec.Raw(reservation.encode()), footprint, growth), order="sorted")
        file = _File(_RESERVED_FORMAT, sha256(content).hexdigest(), msgspec.Raw(content))
        return FileEdit(_place(reservation.commit), msgspec.json.encode(file) + b"\n")

    def renew(self, reservation: Reservation) -> FileEdit | None:
        """The file edit that puts this reservation in the place of the one held, if one is and can be read."""
        state = self._scanned().get(_name(reservation.commit))
        if state is None or state.held.footprint is None:
            return None
        return self.hold(reservation, state.held.footprint, state.growth)

    def let_go(self, commit: str) -> FileEdit:
        """The file edit by which a commit lets go of what it holds."""
        return FileEdit(_place(commit), None)

    def _scanned(self) -> dict[str, _State]:
        try:
            status = self._folder.status(RESERVED)
        except FileNotFoundError:
            self._signature, self._states = None, {}
            return self._states
        if self._signature is None or not self._signature.covers(status):
            self._signature = signature_of(status)
            states = {}
            for name, entry in self._folder.entries(RESERVED):
                if not name.startswith("."):  # staged, and by nobody who is at work: the lock is held
                    known = self._states.get(name)
                    states[name] = known if known is not None and known.signature.covers(entry) else self._read(name)
            self._states = dict(sorted(states.items()))
        return self._states

    def _read(self, name: str) -> _State:
        raw, signature = b"", signature_of(self._folder.status(f"{RESERVED}/{name}"))
        try:
            raw, signature = self._folder.read(f"{RESERVED}/{name}", _LARGEST)
            number = msgspec.json.decode(raw, type=_Numbered).format
            if number != _RESERVED_FORMAT:
                held = Held(_unreadable(name, number), None)
                return _State(signature, held, reason=_other(number), other_format=number)
            file = msgspec.json.decode(raw, type=_File)
            if sha256(file.content).hexdigest() != file.digest:
                raise Unreadable("its digest does not fit")
            content = msgspec.json.decode(file.content, type=_Content)
        except (Unreadable, *UNDECODABLE) as error:
            reason = f"it is damaged or was changed by hand; settle commit {_commit(name)}, or remove the file: {error}"
            return _State(signature, Held(_unreadable(name, 0), None), reason=reason, is_damaged=True)
        reservation = Reservation.decode(_commit(name), bytes(content.reservation))
        reason = "" if reservation.is_readable else f"its reservation: {_other(reservation.format)}"
        return _State(signature, Held(reservation, content.footprint), content.growth, reason)


def _other(number: int) -> str:
    """Why a file of another version of Holdall is left alone."""
    return f"it has format {number}, which this version of Holdall does not know; use the version that wrote it"


def _unreadable(name: str, number: int) -> Reservation:
    return Reservation.decode(_commit(name), msgspec.json.encode(_Numbered(number)))


def _name(commit: str) -> str:
    return name_of([commit])


def _place(commit: str) -> str:
    return f"{RESERVED}/{_name(commit)}"


def _commit(name: str) -> str:
    """The commit of a file whose content cannot be read, as far as the name tells."""
    try:
        return name if is_shortened(name) else parts_of(name)[0]
    except ValueError:
        return name

"""Holdall: one model, any store, one API.

Names come from their rooms when they are first asked for: a program that declares models does not import sessions.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdall.actions import Action, All, Each, Nothing, One
    from holdall.app import Holdall
    from holdall.events import Event, LiveEvent
    from holdall.files import BlobFile, File, GiB, KiB, MiB, file
    from holdall.model import (
        JSON,
        Codec,
        Fill,
        Frozen,
        Ge,
        Gt,
        Le,
        Length,
        Lt,
        Many,
        Model,
        ObjectId,
        OnDelete,
        OneOf,
        Ordered,
        Pattern,
        Ref,
        Reference,
        SoftDeleted,
        Stamped,
        State,
        Stream,
        back,
        changed,
        check,
        computed,
        created,
        deleted,
        field,
        register_codec,
        state_of,
        stream,
    )
    from holdall.policy import (
        ANONYMOUS,
        SYSTEM,
        ActionPolicy,
        Authenticated,
        Everyone,
        FieldRights,
        Nobody,
        Owner,
        Policy,
        Role,
        Tenanted,
        User,
        me,
    )
    from holdall.query import LinkTable, Query, asc, desc, expr, negate, rows
    from holdall.selections import Selection, param
    from holdall.service import Command, Context, Dal, Meta, MethodRequest, Service, SyncContext, SyncService
    from holdall.session import CommitResult, Compensate, Estimate, Guarantee, Operation, Plan, Session, Strategy

__all__ = [
    "ANONYMOUS",
    "JSON",
    "SYSTEM",
    "Action",
    "ActionPolicy",
    "All",
    "Authenticated",
    "BlobFile",
    "Codec",
    "Command",
    "CommitResult",
    "Compensate",
    "Context",
    "Dal",
    "Each",
    "Estimate",
    "Event",
    "Everyone",
    "FieldRights",
    "File",
    "Fill",
    "Frozen",
    "Ge",
    "GiB",
    "Gt",
    "Guarantee",
    "Holdall",
    "KiB",
    "Le",
    "Length",
    "LinkTable",
    "LiveEvent",
    "Lt",
    "Many",
    "Meta",
    "MethodRequest",
    "MiB",
    "Model",
    "Nobody",
    "Nothing",
    "ObjectId",
    "OnDelete",
    "One",
    "OneOf",
    "Operation",
    "Ordered",
    "Owner",
    "Pattern",
    "Plan",
    "Policy",
    "Query",
    "Ref",
    "Reference",
    "Role",
    "Selection",
    "Service",
    "Session",
    "SoftDeleted",
    "Stamped",
    "State",
    "Strategy",
    "Stream",
    "SyncContext",
    "SyncService",
    "Tenanted",
    "User",
    "asc",
    "back",
    "changed",
    "check",
    "computed",
    "created",
    "deleted",
    "desc",
    "expr",
    "field",
    "file",
    "me",
    "negate",
    "param",
    "register_codec",
    "rows",
    "state_of",
    "stream",
]

if not TYPE_CHECKING:  # a function that checkers see would have every name be there
    _EXPORTS = {
        "actions": "Action All Each Nothing One",
        "app": "Holdall",
        "events": "Event LiveEvent",
        "files": "BlobFile File GiB KiB MiB file",
        "model": (
            "JSON Codec Fill Frozen Ge Gt Le Length Lt Many Model ObjectId OnDelete OneOf Ordered Pattern Ref "
            "Reference SoftDeleted Stamped State Stream back changed check computed created deleted field "
            "register_codec state_of stream"
        ),
        "policy": (
            "ANONYMOUS SYSTEM ActionPolicy Authenticated Everyone FieldRights Nobody Owner Policy Role Tenanted User me"
        ),
        "query": "LinkTable Query asc desc expr negate rows",
        "selections": "Selection param",
        "service": "Command Context Dal Meta MethodRequest Service SyncContext SyncService",
        "session": "CommitResult Compensate Estimate Guarantee Operation Plan Session Strategy",
    }
    _ROOM_OF = {name: room for room, names in _EXPORTS.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        """Import the name from its room, or a room itself."""
        if name in _ROOM_OF:
            return globals().setdefault(name, getattr(import_module(f"holdall.{_ROOM_OF[name]}"), name))
        if name in _EXPORTS or name in ("errors", "store"):
            return import_module(f"holdall.{name}")
        raise AttributeError(f"module 'holdall' has no attribute {name!r}")

    def __dir__() -> list[str]:
        """The names that are exported, and those that are there."""
        return sorted({*globals(), *__all__})

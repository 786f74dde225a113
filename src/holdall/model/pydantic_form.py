"""Records as pydantic sees them, so that routes of FastAPI take and give them in the form that collections have.

Pydantic calls this module; nothing here imports Pydantic otherwise.
"""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.errors import DeclarationError, StateError, ValidationError
from holdall.model.json_schema import InlineSchemas, field_schema
from holdall.model.state import State
from holdall.model.tracking import Record, hidden_ends, state_of
from holdall.query import Json, Value

__all__ = ["RECORD_ERROR", "RECORD_MARK", "record_core_schema", "record_json_schema"]

RECORD_ERROR = "holdall_record"
"""The type of the error that pydantic is given for a record; its context has ``errors``: paths, codes and messages."""

RECORD_MARK = "x-holdall-record"
"""What stands in a JSON schema for that of a record: its model's name, and whether it is taken or shown."""


def record_core_schema(model: Any) -> Record:
    """How pydantic takes a record, as the body of a POST to its collection, and shows it."""
    from pydantic_core import PydanticCustomError, core_schema

    def read(value: Value) -> Any:
        if isinstance(value, model):
            return value
        try:
            if isinstance(value, dict):
                return model.__holdall__.json_input.create_from(value)
        except ValidationError as error:
            told = [(item.path, item.code, item.message) for item in error.errors]
            raise PydanticCustomError(RECORD_ERROR, "breaks rules of a record", {"errors": told}) from error
        raise PydanticCustomError(RECORD_ERROR, "must be an object", {"errors": [("", "type", "must be an object")]})

    show = core_schema.plain_serializer_function_ser_schema(_shown, return_schema=core_schema.any_schema())
    return core_schema.no_info_plain_validator_function(read, serialization=show)


def record_json_schema(model: Any, mode: str) -> dict[str, Json]:
    """Return the schema of the record's JSON; the service puts a reference to that of its collection in its place."""
    declaration, is_shown = model.__holdall__, mode == "serialization"
    accepted = declaration.json_input.names
    fields = [field for field in declaration.stored if is_shown or field.name in accepted]
    made: dict[str, Json] = {
        "type": "object",
        "title": model.__name__,
        RECORD_MARK: f"{model.__name__}.{'Record' if is_shown else 'Create'}",
    }
    try:
        made["properties"] = {field.name: field_schema(field, InlineSchemas()) for field in fields}
    except DeclarationError:  # a model that it refers to is yet to be declared
        return made
    if not is_shown:
        made["required"] = [field.name for field in fields if not field.has_default]
        made["additionalProperties"] = False
    return made


def _shown(record: Record) -> Any:
    declaration = record.__holdall__
    if state_of(record) in (State.NEW, State.DIRTY) and (
        record.__key__() is None or declaration.version is not None or declaration.stamps
    ):
        raise StateError(
            f"this {type(record).__name__} is shown before it is committed, which is yet to make its key, version or"
            " moments: write 'await session.commit()' before it is returned"
        )
    output, hidden = declaration.json_output, hidden_ends(record)
    names = [name for name in output.names if name not in hidden] if hidden else None
    return msgspec.json.decode(output.encode_what_can_be([record], names))[0]

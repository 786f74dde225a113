"""From SQLAlchemy's defaults, of Python and of the server, to those of fields, or the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import functions

from holdall.adoption.carried import NotCarried
from holdall.adoption.sqlalchemy_types import AnyColumn, Options
from holdall.model import JSON
from holdall.query import Value

__all__ = ["default_options", "update_options"]

_NOW = re.compile(
    r"(now|current_timestamp|localtimestamp|current_date|curdate|getdate|utc_timestamp|transaction_timestamp)"
    r"\s*(\(\s*\d?\s*\))?|datetime\('now'\)|date\('now'\)|strftime\('[^']*', *'now'\)",
    re.IGNORECASE,
)
_UUID = re.compile(r"(gen_random_uuid|uuid_generate_v4|uuid|uuid_to_bin\(uuid\(\)\))\s*(\(\s*\))?", re.IGNORECASE)
_CAST = re.compile(r"(.*)::[\w\s\"().\[\]]+", re.DOTALL)
_TEXT = re.compile(r"N?'((?:[^']|'')*)'", re.DOTALL)
_BOOLS = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}
_CLOCK = timedelta(minutes=1)


def default_options(column: AnyColumn, annotation: Value) -> Options:
    """Return options of ``field`` for a value that nobody gives; none where one must be given. Raises NotCarried."""
    default: Value = column.default
    if default is not None:
        if default.is_sequence:
            raise NotCarried("only the whole key of a table can be counted by a sequence")
        if default.is_callable:
            return {"default_factory": factory_of(default.arg)}
        if default.is_scalar:
            return constant(default.arg)
        return _made_by_sql(default.arg, annotation)
    server: Value = column.server_default
    if server is None:
        return {}
    try:
        if isinstance(server, sa.DefaultClause):
            return _made_by_sql(server.arg, annotation)
    except NotCarried:
        pass
    if column.primary_key:
        raise NotCarried("only the server can make its key: declare it, with a default")
    return {"server_default": True}


def update_options(column: AnyColumn, annotation: Value) -> Options:
    """Return options of ``field`` for a value that each update gives. Raises NotCarried."""
    if column.server_onupdate is not None:
        raise NotCarried("the server gives it a new value at each update: leave it out, or declare it")
    given: Value = column.onupdate
    if given is None:
        return {}
    if annotation in (datetime, date) and (
        (given.is_callable and _is_clock(given.arg)) or (given.is_clause_element and _is_now(_written(given.arg)))
    ):
        return {"auto_now": "write"}
    raise NotCarried("onupdate= can only be the present moment in UTC: declare the field, with a setter for others")


def constant(value: Value) -> Options:
    """A default that is a value."""
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    if isinstance(value, list | dict | set):
        encoded = msgspec.json.encode(value)
        return {"default_factory": lambda: msgspec.json.decode(encoded)}
    return {"default": value}


def factory_of(given: Value) -> Callable[[], Value]:
    """A function without parameters, of one as SQLAlchemy keeps it. Raises NotCarried where it takes a context."""
    function = given
    if getattr(given, "__globals__", {}).get("__name__") == "sqlalchemy.sql.schema":
        wrapped = getattr(given, "__wrapped__", None)
        function = wrapped if callable(wrapped) else lambda: given(None)
    elif isinstance(given, type):
        function = given
    else:
        raise NotCarried("the function of its default takes the context of a statement, and there is none")

    def make() -> Value:
        made = function()
        # as it would be stored: without a zone, and read as UTC
        return made.replace(tzinfo=UTC) if isinstance(made, datetime) and made.tzinfo is None else made

    return make


def _made_by_sql(given: Value, annotation: Value) -> Options:
    if isinstance(given, str):  # SQLAlchemy writes it as a text in quotes, and the database converts it
        return _converted(given, annotation)
    text = _written(given)
    if annotation in (datetime, date) and _is_now(text):
        return {"auto_now": "create"}
    if annotation is UUID and _UUID.fullmatch(text):
        return {"default_factory": uuid4}
    if text.lower() == "null":
        return {}
    quoted = _TEXT.fullmatch(text)
    if quoted is None and annotation not in (bool, int, float, Decimal):
        raise NotCarried(f"the server makes its default of {text!r}, which is no value")
    return _converted(text if quoted is None else quoted[1].replace("''", "'"), annotation, text)


def _written(given: Value) -> str:
    """A SQL expression as text, without parentheses around all of it and without casts."""
    if isinstance(given, functions.FunctionElement) and not given.clauses.clauses:
        return str(getattr(given, "name", given))
    try:
        text = str(given.compile(compile_kwargs={"literal_binds": True})).strip()
    except sa.exc.CompileError:
        return "?"
    while True:
        cast = _CAST.fullmatch(text)
        if cast is not None and _TEXT.fullmatch(cast[1].strip()):
            text = cast[1].strip()
        elif text.startswith("(") and text.endswith(")"):
            text = text[1:-1].strip()
        else:
            return text


def _is_now(text: str) -> bool:
    return _NOW.fullmatch(text) is not None


def _is_clock(function: Value) -> bool:
    """Whether a function gives the present moment in UTC, or the present day: seen by asking it once."""
    try:
        given = factory_of(function)()
    except Exception:
        return False
    if isinstance(given, datetime):
        return abs(given - datetime.now(UTC)) < _CLOCK
    return isinstance(given, date) and given == datetime.now(UTC).date()


def _converted(text: str, annotation: Value, shown: str | None = None) -> Options:
    """The default that the database makes of a text for a column of this type."""
    try:
        value = _value(text, annotation)
    except (ValueError, KeyError, StopIteration, InvalidOperation, msgspec.MsgspecError):
        raise NotCarried(
            f"the server makes its default of {shown or text!r}, which is no value: give field(default=…)"
        ) from None
    return constant(value)


def _value(text: str, annotation: Value) -> Value:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(member for member in annotation if text in (member.name, member.value))
    if annotation is bool:
        return _BOOLS[text.lower()]
    if annotation in (int, float, Decimal):
        number: Value = annotation(text)
        return number
    if annotation == JSON:
        return msgspec.json.decode(text)
    if annotation in (date, time, UUID):
        return msgspec.convert(text, annotation)
    if annotation is datetime:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if annotation is str or getattr(annotation, "__origin__", None) is not None:
        return text
    raise ValueError(text)

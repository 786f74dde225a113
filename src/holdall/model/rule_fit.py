"""Whether a rule can speak of a field's values at all, asked once when the model is declared."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, get_args

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.model.knowledge import bare_alias
from holdall.model.rules import Digits, Ge, Gt, Le, Length, Lt, Pattern, Rule
from holdall.query import Kind

__all__ = ["refuse_codec", "refuse_misfit"]

_BOUNDS: dict[Kind, tuple[type[Any], ...]] = {
    Kind.INT: (int, float, Decimal),
    Kind.FLOAT: (int, float, Decimal),
    Kind.DECIMAL: (int, Decimal),
    Kind.STR: (str,),
    Kind.BYTES: (bytes,),
    Kind.DATETIME: (datetime,),
    Kind.DATE: (date,),
    Kind.TIME: (time,),
    Kind.TIMEDELTA: (timedelta,),
}


def refuse_codec(where: str, made: Field) -> None:
    """Raise DeclarationError where a codec has nothing to keep, or a store would make values that only it can make."""
    codec, options = made.options.codec, made.options
    if codec is not None and (made.type is None or not _mentions(made.annotation, codec.type)):
        raise DeclarationError(f"{where}: {codec!r} keeps values of {codec.name}, which is not in the annotation")
    if made.type is None or made.type.encode is None or made.kind is Kind.JSON:
        return
    if options.generated or options.version or options.stamped_on is not None:
        option = "generated" if options.generated else "version" if options.version else "auto_now or auto_user"
        raise DeclarationError(f"{where}: {option} makes plain values, not those of {made.annotation!r}")


def _mentions(annotation: object, wanted: object) -> bool:
    return (
        bare_alias(annotation) is wanted
        or annotation is wanted
        or any(_mentions(inner, wanted) for inner in get_args(annotation))
    )


def refuse_misfit(where: str, kind: Kind, rule: Rule) -> None:
    """Raise DeclarationError for a rule that no value of the kind could keep, or whose bound cannot be compared."""
    if isinstance(rule, Ge | Gt | Le | Lt):
        if kind is not Kind.JSON and not _can_bound(kind, rule.bound):
            raise DeclarationError(f"{where}: {type(rule).__name__.lower()}={rule.bound!r} cannot bound a {kind}")
    elif isinstance(rule, Length) and kind not in (Kind.STR, Kind.BYTES, Kind.JSON, Kind.MANY):
        raise DeclarationError(f"{where}: a {kind} has no length")
    elif isinstance(rule, Pattern) and kind is not Kind.STR:
        raise DeclarationError(f"{where}: a pattern is for text")
    elif isinstance(rule, Digits) and kind is not Kind.DECIMAL:
        raise DeclarationError(f"{where}: digits and places are for a Decimal")


def _can_bound(kind: Kind, bound: object) -> bool:
    if not isinstance(bound, _BOUNDS.get(kind, ())) or isinstance(bound, bool) or bound != bound:
        return False
    if isinstance(bound, datetime):
        return kind is Kind.DATETIME and bound.utcoffset() is not None
    return not (isinstance(bound, time) and bound.tzinfo is not None)

"""Writing a model's constructor: one generated function that checks what is common inline; ``validate`` does the rest.

The generated source holds only field names, which are identifiers, and names of constants; values never enter it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

from holdall.codegen import function
from holdall.errors import FieldError, FieldErrors, ValidationError
from holdall.model.declaration import Declaration
from holdall.model.field import Field
from holdall.model.native import native_constructor
from holdall.model.options import MISSING
from holdall.model.tracking import Record
from holdall.query import Value

__all__ = ["construction_hooks", "constructor", "set_value"]

construction_hooks: list[Callable[[Any], object]] = []
"""Told of each record that a constructor makes; mostly nobody is."""


def constructor(declaration: Declaration) -> Callable[..., Any]:
    """The function behind ``Book(title=…)``: keyword arguments to a validated, unbound record."""
    names: dict[str, object] = {
        "__UTC": UTC,
        "__MISSING": MISSING,
        "__create": declaration.create,
        "__slow": _slow(declaration),
        "__hooks": construction_hooks,
        "__run_hooks": _run_hooks,
        "__gathered": partial(FieldErrors, declaration.model.__name__),
    }
    parameters, conditions, factories, validated = [], [], [], []
    stored = declaration.stored
    for field in stored:
        variable = field.name
        if not field.options.init:
            factories.append(f"    {variable} = __{variable}_default()")
            names[f"__{variable}_default"] = field.default
        elif field.options.default_factory is not None:
            parameters.append(f"{variable}=__MISSING")
            factories.append(f"    if {variable} is __MISSING: {variable} = __{variable}_default()")
            names[f"__{variable}_default"] = field.options.default_factory
        else:
            parameters.append(f"{variable}=__{variable}_default")
            names[f"__{variable}_default"] = field.default() if field.has_default else MISSING
        source = field.fast_source(variable, names, f"__{field.name}")
        if source is None:
            names[f"__{variable}_admit"] = _first_step(field)
            validated.append(variable)
        else:
            conditions.append(source)
    given = "{" + ", ".join(f"{field.name!r}: {field.name}" for field in stored) + "}"
    values = ", ".join(f"__{field.name}_new" if field.name in validated else field.name for field in stored)
    lines = [
        *factories,
        *(["    __errors = __gathered()"] if validated else []),
        *(f"    __{name}_new = __{name}_admit({name}, __errors)" for name in validated),
        f"    if {'__errors or ' if validated else ''}__args or __extra or not ({' and '.join(conditions) or 'True'}):",
        f"        return __slow(__args, __extra, {given})",
        f"    __record = __create({values})",
        *_after(declaration, names),
        "    if __hooks: __run_hooks(__record)",
        "    return __record",
    ]
    given_by_name = f"__cls, /, *__args, {', '.join([*parameters, '**__extra'])}"
    model = declaration.model.__name__
    construct: Callable[..., Any] = function("__call__", given_by_name, lines, names, f"{model}, made")
    construct.__doc__ = f"A {model}; raises ValidationError with everything that is wrong."
    hooks = (construction_hooks, _run_hooks)
    return native_constructor(construct, declaration.model, stored, _first_step, _finisher(declaration), hooks)


def _after(declaration: Declaration, names: dict[str, object]) -> list[str]:
    lines = []
    if any(field.options.setter for field in declaration.stored):
        names["__set"] = _setters(declaration)
        lines.append("    __set(__record)")
    if declaration.checks:
        names["__check"] = _checks(declaration)
        lines.append("    __check(__record)")
    return lines


def _finisher(declaration: Declaration) -> Callable[[Record], object] | None:
    """The steps of a construction behind that of the record, as one; None where there is none."""
    steps = [_setters(declaration)] if any(field.options.setter for field in declaration.stored) else []
    steps += [_checks(declaration)] if declaration.checks else []
    if len(steps) < 2:
        return steps[0] if steps else None

    def finish(record: Record) -> None:
        for step in steps:
            step(record)

    return finish


def _slow(declaration: Declaration) -> Callable[..., Any]:
    """The way of every construction that is not plainly right: find everything that is wrong, or adjust and create."""
    finish = (_setters(declaration), _checks(declaration), _run_hooks)

    def construct(args: tuple[Value, ...], extra: dict[str, Value], given: dict[str, Value]) -> Record:
        errors = FieldErrors(declaration.model.__name__)
        if args:
            errors.append(FieldError("", "positional", "takes its fields by name"))
        for name in extra:
            field = declaration.by_name.get(name)
            message = "is not a field" if field is None else "cannot be given to the constructor"
            errors.append(FieldError(name, "unknown" if field is None else "init", message))
        values = [_first_step(field)(given[field.name], errors) for field in declaration.stored]
        if errors:
            raise ValidationError(declaration.model.__name__, errors)
        record = declaration.create(*values)
        for step in finish:
            step(record)
        return record

    return construct


def _run_hooks(record: Record) -> None:
    for told in tuple(construction_hooks):
        told(record)


def _first_step(field: Field) -> Callable[[Any, list[FieldError]], Any]:
    return field.validate if field.options.setter is None else field.validate_type


def _setters(declaration: Declaration) -> Callable[[Any], None]:
    fields = [field for field in declaration.stored if field.options.setter is not None]

    def apply(record: Record) -> None:
        errors = FieldErrors(declaration.model.__name__)
        for field in fields:
            field.put(record, set_value(record, field, field.get(record), errors))
        if errors:
            raise ValidationError(declaration.model.__name__, errors)

    return apply


def set_value(record: Record, field: Field, value: object, errors: list[FieldError]) -> Value:
    """Return what the field's setter makes of a value of the right type, validated."""
    assert field.options.setter is not None
    try:
        changed = field.options.setter(record, value)
    except ValueError as error:
        errors.append(FieldError(field.name, "setter", str(error)))
        return value
    return field.validate(changed, errors)


def _checks(declaration: Declaration) -> Callable[[Any], None]:
    def run(record: Record) -> None:
        errors = declaration.run_checks(record)
        if errors:
            raise ValidationError(declaration.model.__name__, errors)

    return run

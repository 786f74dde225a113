"""Options of a field that contradict each other, or its type: refused when the class is made."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import get_args

from holdall.errors import DeclarationError, FieldError
from holdall.model.annotations import unwrap
from holdall.model.called import demand_callable
from holdall.model.field import Field
from holdall.model.options import MISSING
from holdall.model.rule_fit import refuse_codec, refuse_misfit
from holdall.model.transitions import Transitions
from holdall.query import Kind

__all__ = ["given_groups", "refuse_contradictions", "snake", "stored_name"]

_STAMPED_ON = ("create", "write", "delete")
_MOMENTS = (Kind.DATETIME, Kind.DATE)
_IDS = (Kind.STR, Kind.INT, Kind.UUID)
_STATES = (Kind.STR, Kind.INT, Kind.BOOL)


def refuse_contradictions(where: str, made: Field) -> None:
    """Raise DeclarationError for a field, named by ``where``, whose options cannot all hold."""
    options = made.options
    refuse_codec(where, made)
    for rule in made.rules:
        refuse_misfit(where, made.kind, rule)
    if options.back is not None and made.container is not None:
        raise DeclarationError(f"{where}: back(...) belongs to a Many[...] or a Ref[...]")
    if made.container is tuple and get_args(unwrap(made.annotation)[0])[1:] != (...,):
        raise DeclarationError(f"{where}: a tuple of references has any number of them: write tuple[Ref[...], ...]")
    if options.depends_on and made.target is None:
        raise DeclarationError(f"{where}: depends_on belongs to a reference")
    if options.on_delete is not None and made.target is None and not (made.type and made.type.references):
        raise DeclarationError(f"{where}: on_delete belongs to a reference")
    if made.type is not None and made.type.references and (options.coerce or not options.type_check or options.pk):
        raise DeclarationError(
            f"{where}: has references inside, so it is no key and takes neither coerce nor type_check=False"
        )
    if made.form is not None and (options.pk or options.unique):
        raise DeclarationError(f"{where}: a Many can be neither key nor unique")
    if options.pk and made.nullable:
        raise DeclarationError(f"{where}: a key cannot be None")
    if options.generated and (made.type is None or made.type.kind.value not in ("int", "str", "uuid")):
        raise DeclarationError(f"{where}: only an int, a str or a UUID can be generated")
    if options.labels and (made.type is None or len({*options.labels}) != len(made.type.choices or ())):
        raise DeclarationError(f"{where}: labels belong to an Enum, a text of its own for each member")
    if not options.ordered and (made.form is None or made.container is not None):
        raise DeclarationError(f"{where}: ordered belongs to a Many[...]")
    if options.server_default or options.server_computed:
        _refuse_server_value(where, made)
    if options.setter is not None:
        demand_callable(f"{where}: a setter", options.setter, "self", "value")
    if options.default_factory is not None:
        demand_callable(f"{where}: a default_factory", options.default_factory)
    for column in options.columns:
        stored_name(f"{where}: column", column)
    if options.link is not None and made.kind is not Kind.MANY:
        raise DeclarationError(f"{where}: link belongs to a list of references")
    if options.auto_now is not None and (options.auto_now not in _STAMPED_ON or made.kind not in _MOMENTS):
        raise DeclarationError(f'{where}: auto_now="create", "write" or "delete" is for a datetime or a date')
    if options.auto_user is not None and (options.auto_user not in _STAMPED_ON or made.kind not in _IDS):
        raise DeclarationError(f'{where}: auto_user="create", "write" or "delete" is for a str, int or UUID, an id')
    if options.stamped_on == "delete" and not made.nullable:
        raise DeclarationError(f"{where}: is empty while the record is not deleted, so its annotation takes None")
    if options.transitions is not None:
        _refuse_transitions(where, made, options.transitions)


def _refuse_transitions(where: str, made: Field, transitions: Transitions) -> None:
    if made.kind not in _STATES:
        raise DeclarationError(f"{where}: transitions are for an Enum, a Literal, a str, an int or a bool")
    for state in transitions.states:
        errors: list[FieldError] = []
        made.validate(state, errors)
        if errors:
            raise DeclarationError(f"{where}: transitions name {state!r}, which {errors[0].message}")
    if made.options.default not in (MISSING, None) and not transitions.begins(made.options.default):
        raise DeclarationError(f"{where}: no transition begins with the default {made.options.default!r}")


def _refuse_server_value(where: str, made: Field) -> None:
    options = made.options
    name = "server_default" if options.server_default else "server_computed"
    if options.server_default and options.server_computed:
        raise DeclarationError(f"{where}: server_default is for a value that may be given, server_computed never is")
    others = {"pk": options.pk, "generated": options.generated, "version": options.version}
    others |= {"auto_now": options.auto_now is not None, "auto_user": options.auto_user is not None}
    others |= {"default": options.default not in (MISSING, None)}
    others |= {"default_factory": options.default_factory is not None, "setter": options.setter is not None}
    for other, is_given in others.items():
        if is_given:
            raise DeclarationError(f"{where}: {name} and {other} both say where the value comes from")
    if made.form is not None:
        raise DeclarationError(f"{where}: {name} is for a column, and a list of references has none")


def stored_name(where: str, name: object) -> str:
    """The name under which something is stored. Raises DeclarationError for what is none."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise DeclarationError(f"{where} must be a name, a text that is not empty")
    return name


def snake(name: str) -> str:
    """Return the name of a class in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def given_groups(model: str, groups: Collection[Collection[str]]) -> Collection[Collection[str]]:
    """Return groups of fields that are unique together; raises DeclarationError for a single name."""
    if isinstance(groups, str):
        raise DeclarationError(f"{model}: unique= takes groups of fields, as unique=[('title', 'author')]")
    return groups

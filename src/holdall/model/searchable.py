"""Full-text search of a model: the fields that it declares for it, and the condition that asks them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from holdall.errors import DeclarationError, QueryError
from holdall.model.ancestry import ancestors_of
from holdall.model.field import Field
from holdall.query import Asked, Call, Compare, Condition, Constant, Kind, Of, Op, Value, formula, owner_of, read_search

__all__ = ["searchable", "searched"]


def searchable(
    model: str, bases: tuple[type[Value], ...], fields: Iterable[Field], names: Collection[str] | None
) -> tuple[str, ...]:
    """The names of the fields that are searched; those of a base where none are given.

    Raises DeclarationError for a field whose values are no plain text.
    """
    if names is None:
        inherited = [base.__dict__["__holdall__"].search for base in ancestors_of(model, bases)]
        names = next(filter(None, inherited), ())
    by_name = {field.name: field for field in fields if field.is_stored}
    given = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    for name in given:
        field = by_name.get(name)
        if field is None:
            raise DeclarationError(f"{model}: search={name!r} must name fields that are stored here")
        is_plain = field.kind is Kind.STR and field.asked is Asked.ORDER and not field.is_object_id
        if not is_plain or (field.type is not None and field.type.choices is not None):
            raise DeclarationError(f"{model}: search={name!r} must name fields of text, whose values may be asked for")
    return given


def searched(model: Value, words: str) -> Condition:
    """The condition that the words are found in the fields that are searched.

    Raises QueryError for a model that declares none, and for what is no text of words.

    >>> class Book(Model, search=("title", "blurb")):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     blurb: str | None = None
    >>> from holdall.query import format_query
    >>> format_query(Book.where(Book.search("left dark*"), Book.id > 9))
    'book where search("left dark*", title, blurb) = true and id > 9'
    """
    name, declaration = model.__name__, model.__holdall__
    if not declaration.search:
        raise QueryError(f'{name} declares nothing to search: write class {name}(Model, search=("title", ...))')
    if not isinstance(words, str):
        raise QueryError(f"{name}.search() takes text, not {type(words).__name__}")
    read_search(words)
    call = Call("search", (Constant(words), *[Of((field,)) for field in declaration.search]))
    return Compare((formula(call),), Op.EQ, True, owner_of(declaration.expression(declaration.search[0])))

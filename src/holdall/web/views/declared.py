"""The declaration of a REST view: its model, and the form that its schemas make."""

from __future__ import annotations

from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.query import Value
from holdall.web.view import CollectionView
from holdall.web.views.forms import Form, SchemaForm

__all__ = ["form_of", "model_of"]


def model_of(view: type[Value]) -> type[Model]:
    """The model that a view names. Raises DeclarationError where it names none."""
    model = getattr(view, "model", None)
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise DeclarationError(
            f"{view.__name__} names no model: write class {view.__name__}(AsyncRestView[Book]), or model = Book in it"
        )
    return model


def form_of(view: type[Value], collection: CollectionView, written: dict[str, str]) -> Form:
    """The form of what a view shows and takes. Raises DeclarationError for a method that takes what no schema has."""
    schemas = (view.schema, view.schema_create, view.schema_update)
    if not any(schemas):
        for name in written:
            raise DeclarationError(f"{view.__name__} takes {name!r} with @writes, but none of its schemas has it")
        return Form(collection.declaration)
    return SchemaForm(collection.declaration, view.__name__, written, *schemas)

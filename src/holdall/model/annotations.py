"""Reading a class body's annotations, whether they are objects or still text."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, get_args, get_origin

from holdall.errors import DeclarationError
from holdall.model.aliases import without_aliases
from holdall.model.many import Many
from holdall.model.names import Annotation, Names
from holdall.model.reference import Ref
from holdall.query import Value

__all__ = ["read_annotations", "unwrap"]

_INNER = re.compile(r"\b(Ref|Many)\[([^][\"']+)\]")
_RELATION = re.compile(r"^(?:\w+\.)*(?P<which>Ref|Many)\[(?P<target>.+)\]$", re.DOTALL)


def read_annotations(model: str, namespace: Mapping[str, Any], names: Names) -> dict[str, Annotation]:
    """Every annotated field of the class body with its annotation as an object, ClassVars left out.

    Text that names a model not declared yet is read where it stands in Ref[…] or Many[…]; anything else raises
    DeclarationError.
    """
    found: dict[str, Any] = {}
    for field, annotation in _raw(namespace).items():
        resolved = _resolve(f"{model}.{field}", annotation, names) if isinstance(annotation, str) else annotation
        if resolved is not ClassVar and get_origin(resolved) is not ClassVar:
            try:
                found[field] = without_aliases(resolved)
            except DeclarationError as error:
                raise DeclarationError(f"{model}.{field}: {error}") from None
    return found


def _raw(namespace: Mapping[str, Any]) -> dict[str, Any]:
    if sys.version_info >= (3, 14) and "__annotations__" not in namespace:
        import annotationlib

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is None:
            return {}
        return annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF)
    return dict(namespace.get("__annotations__", {}))


def _resolve(where: str, text: str, names: Names) -> Any:
    try:
        resolved = eval(text, names.now())  # noqa: S307 - the program's own annotation, as typing.get_type_hints does
        return _resolve(where, resolved, names) if isinstance(resolved, str) else resolved
    except NameError as error:
        quoted = _INNER.sub(r'\1["\2"]', text)
        if quoted != text:
            return _resolve(where, quoted, names)
        match = _RELATION.match(text.strip())
        if match:
            return (Ref if match["which"] == "Ref" else Many)[match["target"]]
        raise DeclarationError(
            f"{where}: {error.name!r} in the annotation {text!r} is not known here; import it where the model is"
            " declared, not under TYPE_CHECKING"
        ) from error


def unwrap(annotation: object) -> tuple[Any, tuple[Value, ...]]:
    """The annotation without Annotated, and what Annotated added."""
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        return inner, tuple(extra)
    return annotation, ()

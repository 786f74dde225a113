"""Whether msgspec by itself knows a type and all that is in it, or another way to JSON has to be made."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Flag
from typing import Annotated, get_args

import msgspec

from holdall.model.aliases import without_aliases
from holdall.model.many import Many
from holdall.model.members import is_named_tuple, is_value_object, members_of
from holdall.model.names import Annotation, origin_of
from holdall.model.pydantic_types import is_pydantic_type
from holdall.model.pydantic_values import is_pydantic_model
from holdall.model.reference import Ref, mentions_reference
from holdall.model.standard_values import codec_for
from holdall.model.tracking import Tracked
from holdall.model.value_codec import AnyCodec, Codec
from holdall.query import Value

__all__ = ["bare_alias", "is_known"]


def bare_alias(annotation: Annotation) -> Value:
    """The annotation that a NewType stands for, and what aliases in it do; any other as it is."""
    while codec_for(annotation) is None:
        annotation = without_aliases(annotation)
        if not hasattr(annotation, "__supertype__"):
            break
        annotation = annotation.__supertype__
    return annotation


def is_known(annotation: Annotation, codecs: Mapping[object, AnyCodec]) -> bool:
    """Whether msgspec writes values of the annotation as they are to be kept, and reads them again.

    >>> is_known(list[int], {}), is_known(set[int], {})
    (True, False)
    """
    pending, seen = [annotation], list[Value]()
    while pending:
        item = bare_alias(pending.pop())
        if any(item is known for known in seen):
            continue
        seen.append(item)
        if _is_own(item, codecs):
            return False
        pending.extend(part for part in get_args(item) if part is not Ellipsis)
        if is_value_object(item):
            members = members_of(item)
            annotations = [member.annotation for member in members]
            pending.extend(annotations)
            if any(map(mentions_reference, annotations)) or not _is_native(item):
                return False
            if any(member.given != member.name for member in members):
                return False  # msgspec gives members their names, and leaves out those that begin with _
    return True


def _is_own(item: Annotation, codecs: Mapping[object, AnyCodec]) -> bool:
    """Whether the annotation itself, its parts apart, is written in another way than msgspec's."""
    if isinstance(item, Codec):
        return True
    if codec_for(item) is not None or is_named_tuple(item) or is_pydantic_model(item) or is_pydantic_type(item):
        return True
    if isinstance(item, type) and issubclass(item, Flag):
        return True  # msgspec knows single ones only
    if origin_of(item) in (Ref, Many) or (isinstance(item, type) and issubclass(item, Tracked)):
        return True  # so that those which have no place inside values are refused
    if item in (set, frozenset) or origin_of(item) in (set, frozenset):
        return True  # in an order of its own
    if origin_of(item) is Annotated:
        return any(isinstance(extra, Codec) for extra in item.__metadata__)
    try:
        return item in codecs
    except TypeError:
        return False


def _is_native(item: Annotation) -> bool:
    """Whether msgspec can write and read it at all: two dataclasses in a union, say, it could not tell apart."""
    try:
        msgspec.json.Decoder(item)
    except (TypeError, NameError):  # also of a name that stands for what is declared later
        return False
    return True

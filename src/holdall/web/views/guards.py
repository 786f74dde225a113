"""If-Match of a request to a view: the record must be as the client knows it, and still be so when it is written."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from holdall.errors import FieldError, NotFound, Unsupported, ValidationError
from holdall.model import Model, Record, State, state_of
from holdall.query import Value
from holdall.session import Session
from holdall.web.asgi import header_list
from holdall.web.conditional import NOT_MET, PRECONDITION_REQUIRED, is_unmodified, tag_of_body
from holdall.web.intake import expect_unchanged, judge_tag
from holdall.web.json_patch import same_json

__all__ = ["demand_makable", "expect_as_asked", "replacing"]


async def expect_as_asked(view: Any, record: Value) -> None:
    """Raise Problem (412) where a condition of the request is not met: If-Match, If-None-Match or If-Unmodified-Since.

    With a tag, the commit looks, too. Raises Problem (428) where the collection wants to be told which state is to be
    changed, and (501) where its store cannot see to that.
    """
    if not isinstance(record, Model) or not isinstance(record, view.model):
        return
    scope = view.request.scope
    if_match = view.writes.etag or header_list(scope, b"if-match")
    if_none_match = header_list(scope, b"if-none-match")
    acting: Session = view.acting
    if if_match is None and view.writes.items is None and _requires_match(view) and state_of(record) is not State.NEW:
        raise PRECONDITION_REQUIRED
    if view.writes.items is None and state_of(record) is not State.NEW:
        moment = view.serving.collection.modified(record, acting.user)
        if is_unmodified(scope, moment, b"if-unmodified-since", b"if-match") is False:
            raise NOT_MET
    if if_match is None and if_none_match is None:
        return
    judge_tag(acting, record, tag_of_body(await view.serving.body_of(acting, record)), if_match, if_none_match)


def _requires_match(view: Any) -> bool:
    """Whether records of the view's collection are changed only with If-Match; items of lists were looked at before."""
    required: bool = view.serving.options.requires_match(view.serving.binding.collection)
    return required


async def replacing(view: Any, record: Record) -> None:
    """Raise ValidationError where a PUT gives values that clients cannot give, unless they are as the record is shown.

    The commit then finds the record as it was read, as far as its store can see to that.
    """
    acting: Session = view.acting
    if header_list(view.request.scope, b"if-match") in (None, b"*"):
        with suppress(Unsupported):
            expect_unchanged(acting, record)
    claims = view.writes.claims
    if not claims:
        return
    shown = msgspec.json.decode(await view.serving.body_of(acting, record))
    message = "is not given by clients: leave it out, or as it is shown"
    errors = [
        FieldError(name, "read_only", message)
        for name, value in claims.items()
        if name not in shown or not same_json(value, shown[name])
    ]
    if errors:
        raise ValidationError(view.model.__name__, errors)


def demand_makable(view: Any) -> None:
    """Raise NotFound, ValidationError or Problem (412) where a PUT cannot make the record that it names."""
    if header_list(view.request.scope, b"if-match") is not None:
        raise NOT_MET
    serving, claims = view.serving, view.writes.claims
    if not serving.takes_keys:
        raise NotFound(serving.binding.collection, None)
    if claims:
        errors = [FieldError(name, "read_only", "cannot be given") for name in claims]
        raise ValidationError(view.model.__name__, errors)

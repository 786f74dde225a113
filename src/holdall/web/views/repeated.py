"""Requests to a view under an Idempotency-Key: answers are kept right after the commit, whose hooks follow it."""

from __future__ import annotations

from holdall.app import Holdall
from holdall.session import Binding
from holdall.web.idempotency import kept_answers
from holdall.web.idempotency.repeatable import Repeatable
from holdall.web.options import Options

__all__ = ["repeatable_of"]


def repeatable_of(app: Holdall, binding: Binding, options: Options) -> Repeatable | None:
    """The keeper of a collection's answers; None where a service keeps none."""
    idempotency = options.kept
    kept = None if idempotency is None else kept_answers(app.bindings, idempotency).get(binding.collection)
    if idempotency is None or kept is None:
        return None
    return Repeatable(binding, app.bindings, kept, idempotency, options, may_be_in_one=False)

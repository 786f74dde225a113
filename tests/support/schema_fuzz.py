"""Requests made up from the OpenAPI document, right ones and wrong ones: every answer is one the document tells of.

Run by ``test_schema_fuzz.py`` in processes of their own, as making them takes as long as sending them, and every worker
that collects tests would do it.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import msgspec
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.support.service_of_everything import everything

_LINES = ("text/csv", "application/x-ndjson")


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


service = everything("memory:").asgi()
schema: Any = schemathesis.openapi.from_asgi("/openapi.json", service)
if part := os.environ.get("SCHEMA_FUZZ_PART"):  # names of collections, with signs | between them
    schema = schema.include(path_regex=f"^/({part})(/|$)")
IS_SHORT = "SCHEMA_FUZZ" not in os.environ
_EACH = 8  # of requests that cover each part of the document, one of so many is sent where there is no time for all
_turns = itertools.cycle(range(_EACH))
if IS_SHORT:  # the bodies of POST, the filters of GET, at addresses that take most of the time
    for method, path in (
        ("POST", "/things/_check"),
        ("PUT", "/things/{key}"),
        ("PATCH", "/things"),
        ("DELETE", "/things"),
    ):
        schema = schema.exclude(method=method, path=path)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out what is not sent before it becomes an example: each costs about as much as sending it."""
    is_covering = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
    return not (IS_SHORT and is_covering and next(_turns))


@schema.parametrize()  # type: ignore[untyped-decorator, unused-ignore]
@settings(max_examples=int(os.environ.get("SCHEMA_FUZZ", "2")), suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_tells(case: Any) -> None:
    judge(case, case.call())


def judge(case: Any, response: Any) -> None:
    """Look whether an answer is as the document tells."""
    excluded = [positive_data_acceptance]  # rules go beyond what schemas can say
    is_refused_elsewhere = response.status_code == 414 or case.media_type in _LINES  # 414, and lines one by one: 207
    if is_text_all_the_same(case) or is_refused_elsewhere:
        excluded.append(negative_data_rejection)
    case.validate_response(response, excluded_checks=excluded)


def is_text_all_the_same(case: Any) -> bool:
    """Whether all that is wrong is objects in the query string: they are sent as some text, or not at all."""
    mutations = getattr(case.meta.phase.data, "mutations", ()) if case.meta else ()
    return bool(mutations) and all(
        mutation.parameter_location is ParameterLocation.QUERY and isinstance(mutation.new_value, dict)
        for mutation in mutations
    )

"""Requests made up from the OpenAPI document, right ones and wrong ones: every answer is one the document tells of.

Run by ``test_schema_fuzz.py`` in a process of its own, as making them takes as long as sending them, and every worker
that collects tests would do it.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.support.service_of_everything import everything

service = everything("memory:").asgi()
schema: Any = schemathesis.openapi.from_asgi("/openapi.json", service)


@schema.parametrize()  # type: ignore[untyped-decorator, unused-ignore]
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_tells(case: Any) -> None:
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # rules go beyond what schemas can say

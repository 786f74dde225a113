"""Requests made up from the OpenAPI document that go on from the answers to others, by the links of the document.

Run by ``test_schema_fuzz.py``; ``SCHEMA_FUZZ`` says how many chains there are, each on a service of its own.
"""

from __future__ import annotations

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings

from tests.support.schema_fuzz import judge
from tests.support.service_of_everything import everything


class Anew:
    """A service in the place of which there is an empty one for each chain."""

    def __init__(self) -> None:
        self.service: Any = everything("memory:").asgi()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.service(scope, receive, send)


anew = Anew()
schema: Any = schemathesis.openapi.from_asgi("/openapi.json", anew)
Chains: Any = schema.as_state_machine()


class Chain(Chains):  # type: ignore[misc]
    """One chain of requests."""

    def setup(self) -> None:
        anew.service = everything("memory:").asgi()

    def validate_response(self, response: Any, case: Any, additional_checks: Any = (), **options: Any) -> None:
        judge(case, response)


TestChain = Chain.TestCase
TestChain.settings = settings(
    max_examples=int(os.environ.get("SCHEMA_FUZZ", "5")),
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

"""The REST part of the conformance suite: the same requests over every store, the same answers.

    from holdall.testing.web_conformance import WebConformance

    class TestMyStoreOverHttp(WebConformance):
        def open_store(self, request):     # an empty place of its own: a folder, a database, a schema
            return MyStore("mine", request.getfixturevalue("my_server_url"))

The collections are ``makers`` and ``works``, see ``Maker`` and ``Work``.
"""

from holdall.testing.web_conformance.scenarios import SCENARIOS
from holdall.testing.web_conformance.step import Scenario, Step, differences
from holdall.testing.web_conformance.suite import ServedStore, WebConformance
from holdall.testing.web_conformance.world import Maker, Work, filled, world

__all__ = [
    "SCENARIOS",
    "Maker",
    "Scenario",
    "ServedStore",
    "Step",
    "WebConformance",
    "Work",
    "differences",
    "filled",
    "world",
]

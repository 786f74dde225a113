"""The suite every store must pass: one file of a few lines per store.

    from holdall.testing.conformance import StoreConformance

    class TestMyStore(StoreConformance):
        label = "mine"                     # its report: build/conformance/mine.json

        def open_store(self, request):     # an empty place of its own: a folder, a database, a schema
            return MyStore("mine", request.getfixturevalue("my_server_url"))   # fixtures of session scope, or none

Declared features must behave as ``holdall.query.evaluate`` says; others must be refused with Unsupported. The suite
creates and drops its collections where the store is ``Provisioned``; otherwise they must be there (see ``SCHEMAS``).
Tests of one class share one store and may run in any order; processes that run at once (pytest-xdist) need places of
their own. ``open_store`` is called without a running event loop.
"""

from holdall.testing.conformance.case import Case
from holdall.testing.conformance.fitting import odd_names
from holdall.testing.conformance.requires import requires
from holdall.testing.conformance.suite import StoreConformance
from holdall.testing.conformance.world import SCHEMAS, tables

__all__ = ["SCHEMAS", "Case", "StoreConformance", "odd_names", "requires", "tables"]

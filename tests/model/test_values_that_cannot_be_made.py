"""Computed values that cannot be made: null in the answer, and one line in the log for all records."""

from __future__ import annotations

import logging

import pytest

from holdall import Model, computed, field


class Sum(Model):
    id: int = field(pk=True)

    @computed
    def inverse(self) -> float:
        return 1 / self.id


def test_values_that_cannot_be_made_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    output = Sum.__holdall__.json_output
    with caplog.at_level(logging.WARNING):
        assert output.encode_what_can_be([Sum(id=number) for number in (0, 2)]) == (
            b'[{"id":0,"inverse":null},{"id":2,"inverse":0.5}]'
        )
        output.encode_what_can_be([Sum(id=0)] * 3, ["inverse"])
    assert [record.getMessage() for record in caplog.records] == [
        "Sum.inverse could not be computed: ZeroDivisionError",
        "Sum.inverse could not be computed of 3 records: ZeroDivisionError",
    ]

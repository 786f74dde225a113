"""``requirements.lock`` pins, by hash, a version that fits of everything ``pyproject.toml`` asks for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.sources import HOUSE

_LOCKED_EXTRAS = ("sql", "mysql", "yaml", "web", "cli")
_PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())
_LOCK = (HOUSE / "requirements.lock").read_text()
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.]+)(?P<rest>(?:.*\\\n)+.*)", re.MULTILINE)


def _asked() -> list[str]:
    extras = _PROJECT["project"]["optional-dependencies"]
    return sorted(
        {
            *_PROJECT["project"]["dependencies"],
            *_PROJECT["dependency-groups"]["dev"],
            *_PROJECT["build-system"]["requires"],
            *(line for extra in _LOCKED_EXTRAS for line in extras[extra]),
        }
    )


@pytest.mark.parametrize("line", _asked())
def test_everything_asked_for_is_pinned_to_a_version_that_fits(line: str) -> None:
    wanted = Requirement(line)
    versions = [pin["version"] for pin in _PIN.finditer(_LOCK) if pin["name"] == canonicalize_name(wanted.name)]
    assert versions, "run make lock"
    assert all(wanted.specifier.contains(version) for version in versions), "run make lock"


def test_every_pin_has_hashes_and_no_address() -> None:
    pins = list(_PIN.finditer(_LOCK))
    assert len(pins) > 50
    assert [pin["name"] for pin in pins if "--hash=sha256:" not in pin["rest"]] == []
    assert not re.search(r"://|--(extra-)?index|--find-links", _LOCK)

"""What polydatum documents of Meta and Config, and that their surprises do not happen."""

from __future__ import annotations

from types import ModuleType

import pytest

from holdall import Meta


def test_meta_is_read_only_with_get_require_items_and_json() -> None:
    meta = Meta({"ip": "::1", "tries": 0, "agent": ""})
    with pytest.raises(AttributeError):
        meta.ip = "other"
    assert (meta.get("none", 7), meta.require("ip"), str(Meta(ip="::1"))) == (7, "::1", '{"ip":"::1"}')
    assert list(meta.items()) == [("ip", "::1"), ("tries", 0), ("agent", "")]


def test_a_missing_name_of_meta_is_an_error() -> None:
    """A surprise of the ancestor: a typing error gave None."""
    with pytest.raises(AttributeError):
        Meta(ip="::1").id  # noqa: B018


def test_require_of_meta_accepts_zero_and_empty_text() -> None:
    """A surprise of the ancestor: they were refused."""
    meta = Meta(tries=0, agent="")
    assert (meta.require("tries"), meta.require("agent")) == (0, "")


def test_config_from_module_has_the_names_in_capitals() -> None:
    module = ModuleType("settings")
    module.__dict__.update(FEE=50, lower=1, _HIDDEN=2)
    config = Meta.from_module(module)
    assert (dict(config), config.FEE) == ({"FEE": 50}, 50)
    with pytest.raises(TypeError):
        config["FEE"] = 1

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdall.stores.yaml.names import is_shortened, name_of, parts_of, safe_name

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(st.lists(texts, min_size=1, max_size=3), st.booleans())
@example([".."], False)
@example(["."], False)
@example([""], True)
@example(["/etc/passwd", "\\"], False)
@example(["~", "%-", ","], False)
@example(["-rf"], False)
def test_names_come_back_and_stay_in_their_folder(parts: list[str], is_escaped: bool) -> None:
    name = name_of(parts, is_escaped=is_escaped)
    assert name.isascii()
    assert not set(name) & set('/\\:*?"<>| \t\n')
    assert name[0] not in ".-"
    assert name[-1] != "."
    assert len(name) <= 200
    if not is_shortened(name):
        assert parts_of(name) == parts
    if is_escaped and not is_shortened(name):
        assert safe_name(parts[0], is_escaped=True).replace("%", "") != ""


@given(st.lists(texts, min_size=2, max_size=2, unique=True))
def test_no_two_keys_share_a_caseless_name(pair: list[str]) -> None:
    one, other = (safe_name(text, is_escaped=True) for text in pair)
    assert one.lower() != other.lower()


@pytest.mark.parametrize("text", ["con", "NUL", "Com1.txt", "aux"])
def test_device_names_are_escaped(text: str) -> None:
    name = safe_name(text)
    assert name.startswith("%")
    assert parts_of(name) == [text]


def test_long_keys_are_shortened_and_differ() -> None:
    one, other = name_of(["x" * 300]), name_of(["x" * 299 + "y"])
    assert is_shortened(one)
    assert one != other
    assert len(one) < 200


@pytest.mark.parametrize("name", ["%", "%4", "a%zz", "%00", "%ff", "a,,b"])
def test_names_of_others_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="its name"):
        parts_of(name)

"""Pieces of a content on their way to a store: what is found of them does not depend on how it is cut."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.files import FileCodec, MemoryFiles, keep
from holdall.files.media import HEAD, TAIL, media_type_of
from holdall.files.source import PIECE
from holdall.files.thumbnails import Thumbnails

pytestmark = pytest.mark.anyio

_RULE = FileCodec("files", (), 8 << 20, Thumbnails({}, 1), is_inside=False)
_ARCHIVE = b"PK\x05\x06" + bytes(18)
_WHOLE = b"GIF89a" + bytes(2 * PIECE + 1_000) + _ARCHIVE  # a picture at its beginning, an archive at its end
_CUTS = st.sampled_from([0, 1, 5, HEAD, PIECE, 2 * PIECE, len(_WHOLE) - TAIL, len(_WHOLE) - 25, len(_WHOLE) - 10])


class _Noting(MemoryFiles):
    """Notes the sizes of the pieces that it is given."""

    sizes: list[int]

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        self.sizes = []

        async def noted() -> AsyncIterator[bytes]:
            async for piece in content:
                self.sizes.append(len(piece))
                yield piece

        return await super().write(noted(), key)


@given(st.sets(_CUTS | st.integers(0, len(_WHOLE))), st.sampled_from([len(_WHOLE), PIECE, 100]))
async def test_what_is_found_is_the_same_however_it_is_cut(cuts: set[int], size: int) -> None:
    whole = _WHOLE[-size:]
    places = sorted({0, *[each for each in cuts if each < size], size})
    pieces = [whole[start:stop] for start, stop in pairwise(places)]
    store = MemoryFiles("files")
    found = await keep(store, _RULE, pieces, "x", {})
    assert (found.size, found.sha256) == (size, hashlib.sha256(whole).hexdigest())
    assert found.type == media_type_of(whole[:HEAD], whole[-TAIL:], "x")
    assert b"".join([piece async for piece in store.read(found.key)]) == whole


async def test_pieces_of_some_size_are_given_as_they_came_and_small_ones_together() -> None:
    store = _Noting("files")
    await keep(store, _RULE, [bytes(100_000)] * 12, "x", {})
    assert store.sizes == [100_000] * 12
    await keep(store, _RULE, [bytes(1_000)] * 1_200, "x", {})
    assert store.sizes == [1_049_000, 151_000]

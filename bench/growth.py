from __future__ import annotations
from bench.arena import Arena
from bench.run import Row
def rows(arena: Arena) -> list[Row]:
    return []

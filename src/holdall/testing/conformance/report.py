"""The report of a run: what the store declares, what was verified, what failed; one JSON file per store."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from holdall.store import (
    Aggregating,
    Appending,
    Counting,
    Deferring,
    Disclosing,
    Estimating,
    Exceeding,
    Explaining,
    Identified,
    Isolating,
    KeyMaking,
    Naming,
    Native,
    Observable,
    Obstructed,
    Pingable,
    Placed,
    Pooled,
    Preparable,
    Provisioned,
    Replicated,
    Reserving,
    Sampling,
    SpeaksSql,
    Store,
    Streaming,
    Transactional,
)

__all__ = ["PROTOCOLS", "Report", "name_of"]

PROTOCOLS: tuple[type, ...] = (
    Aggregating,
    Appending,
    Counting,
    Deferring,
    Disclosing,
    Estimating,
    Exceeding,
    Explaining,
    Identified,
    Isolating,
    KeyMaking,
    Naming,
    Native,
    Observable,
    Obstructed,
    Pingable,
    Placed,
    Pooled,
    Preparable,
    Provisioned,
    Replicated,
    Reserving,
    Sampling,
    SpeaksSql,
    Streaming,
    Transactional,
)
"""The optional parts of the contract, by the protocol to implement."""


class Report:
    """Gathers, test by test, which declared abilities behaved and which undeclared ones were refused."""

    def __init__(self, store: Store) -> None:
        capabilities = store.capabilities
        self.commit = capabilities.commit
        self.declared = {
            *map(name_of, capabilities.features),
            *map(name_of, capabilities.operators),
            *map(name_of, capabilities.kinds),
            *(name_of(protocol) for protocol in PROTOCOLS if isinstance(store, protocol)),
        }
        self.verified: set[str] = set()
        self.refused: set[str] = set()
        self.failed: set[str] = set()

    def passed(self, *needs: object) -> None:
        """These abilities have been seen to work."""
        self.verified.update(map(name_of, needs))

    def refuses(self, *needs: object) -> None:
        """These abilities are not declared and were seen to be refused."""
        self.refused.update(map(name_of, needs))

    def fails(self, *needs: object) -> None:
        """A test of these abilities failed."""
        self.failed.update(map(name_of, needs))

    def write(self, name: str, folder: Path) -> None:
        """Write ``<name>.json`` into the folder, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "store": name,
            "commit": str(self.commit),
            "declared": sorted(self.declared),
            "verified": sorted(self.verified - self.failed),
            "refused": sorted(self.refused - self.failed),
            "failed": sorted(self.failed),
        }
        (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def name_of(need: Any) -> str:
    """How reports write an ability: ``feature:sort``, ``operator:eq``, ``kind:int``, ``protocol:Streaming``."""
    if isinstance(need, Enum):
        word = {"Feature": "feature", "Op": "operator", "Kind": "kind"}[type(need).__name__]
        return f"{word}:{need.value}"
    return f"protocol:{need.__name__}"

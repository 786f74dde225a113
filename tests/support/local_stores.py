"""The stores that need no server."""

from __future__ import annotations

from pathlib import Path

__all__ = ["LOCAL", "local_url"]

LOCAL = ["memory", "sqlite", "yaml"]


def local_url(kind: str, folder: Path) -> str:
    """The URL of an empty store of this kind, whose files are in the folder."""
    return {"memory": "memory:", "sqlite": f"sqlite:///{folder}/a.db", "yaml": f"yaml:{folder}/notes"}[kind]

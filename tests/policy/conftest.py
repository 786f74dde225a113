"""What tests of policies share: hashes of passwords that take a moment only."""

from __future__ import annotations

from tests.support.quick_hashes import quick_hashes

__all__ = ["quick_hashes"]

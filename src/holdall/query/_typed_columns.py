"""Type variables for the columns of rows: of each the type that a Column has, and that of a field as it is read."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias, TypeVar
from uuid import UUID

__all__ = ["A_", "B_", "C_", "D_", "E_", "F_", "A", "B", "C", "D", "E", "F"]

_Scalar: TypeAlias = "str | int | float | Decimal | date | time | timedelta | UUID | bytes | Enum | None"

A = TypeVar("A")
A_ = TypeVar("A_", bound=_Scalar)
B = TypeVar("B")
B_ = TypeVar("B_", bound=_Scalar)
C = TypeVar("C")
C_ = TypeVar("C_", bound=_Scalar)
D = TypeVar("D")
D_ = TypeVar("D_", bound=_Scalar)
E = TypeVar("E")
E_ = TypeVar("E_", bound=_Scalar)
F = TypeVar("F")
F_ = TypeVar("F_", bound=_Scalar)

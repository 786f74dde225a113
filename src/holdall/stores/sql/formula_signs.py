"""The signs between two values of a formula, as all databases write them."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from holdall.stores.sql.dialect import Element

__all__ = ["ACTS", "COMPARED"]

ACTS: dict[str, Callable[[Element, Element], Element]] = {
    "add": lambda one, two: one.op("+", precedence=7)(two),
    "sub": lambda one, two: one.op("-", precedence=7)(two.self_group()),
    "mul": lambda one, two: one.op("*", precedence=8)(two),
}
"""The signs of calculations."""

COMPARED: dict[str, Callable[[Element, Element], sa.ColumnElement[bool]]] = {
    "eq": lambda one, two: one.bool_op("=")(two),
    "ne": lambda one, two: one.bool_op("<>")(two),
    "lt": lambda one, two: one.bool_op("<")(two),
    "le": lambda one, two: one.bool_op("<=")(two),
    "gt": lambda one, two: one.bool_op(">")(two),
    "ge": lambda one, two: one.bool_op(">=")(two),
}
"""The signs of comparisons."""

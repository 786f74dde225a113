"""Selections: named queries with parameters, columns and rules of their own."""

from holdall.selections.column import Column, columns_of
from holdall.selections.param import Param, param
from holdall.selections.selection import AnySelection, Selection
from holdall.selections.selections import Selections

__all__ = ["AnySelection", "Column", "Param", "Selection", "Selections", "columns_of", "param"]

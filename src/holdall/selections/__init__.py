"""Selections: named queries with parameters, columns and rules of their own."""

from holdall.selections.param import Param, param
from holdall.selections.selection import AnySelection, Column, Selection
from holdall.selections.selections import Selections

__all__ = ["AnySelection", "Column", "Param", "Selection", "Selections", "param"]

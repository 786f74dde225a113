"""Selections: named queries with parameters, columns and rules of their own."""

from holdall.selections.param import Param, param
from holdall.selections.selection import Column, Selection
from holdall.selections.selections import Selections

__all__ = ["Column", "Param", "Selection", "Selections", "param"]

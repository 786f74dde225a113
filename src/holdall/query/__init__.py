"""Queries: the waist of the house.

Models write them, policies add to them, stores compile them, ``evaluate`` defines them.
"""

from holdall.query.check import MAX_DEPTH, MAX_INT, check, is_of_kind, operators_of
from holdall.query.condition import ALWAYS, NEVER, And, Compare, Condition, Every, Node, Not, Op, Or, Path, Some, both
from holdall.query.evaluate import Table, count, evaluate, matches, select
from holdall.query.expression import Expression, asc, desc, expr
from holdall.query.predicate import Lookup, Predicate, compile_condition, compile_path
from holdall.query.query import Query
from holdall.query.resolve import resolve, schema_of
from holdall.query.schema import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.query.sort import SortKey

__all__ = [
    "ALWAYS",
    "MAX_DEPTH",
    "MAX_INT",
    "NEVER",
    "And",
    "Compare",
    "Condition",
    "Every",
    "Expression",
    "FieldSchema",
    "Generated",
    "Kind",
    "Lookup",
    "ManyForm",
    "Node",
    "Not",
    "Op",
    "Or",
    "Path",
    "Predicate",
    "Query",
    "Schema",
    "Some",
    "SortKey",
    "Table",
    "asc",
    "both",
    "check",
    "compile_condition",
    "compile_path",
    "count",
    "desc",
    "evaluate",
    "expr",
    "is_of_kind",
    "matches",
    "operators_of",
    "resolve",
    "schema_of",
    "select",
]

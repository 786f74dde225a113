"""Queries: the waist of the house.

Models write them, policies add to them, stores compile them, ``evaluate`` defines them.
"""

from holdall.query.border import Json, Key, Row, Value
from holdall.query.check import MAX_DEPTH, MAX_INT, check, is_of_kind, kind_test, operators_of
from holdall.query.condition import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Every,
    Node,
    Not,
    Op,
    Or,
    Owner,
    Path,
    Some,
    both,
)
from holdall.query.evaluate import Table, count, evaluate, matches, select
from holdall.query.expression import Expression, expr, owner_of
from holdall.query.functions import asc, desc, negate
from holdall.query.names import did_you_mean
from holdall.query.ownership import belongs_to, demand_field_of
from holdall.query.predicate import Lookup, Predicate, compile_condition, compile_path
from holdall.query.query import AnyQuery, Query
from holdall.query.resolve import resolve, schema_of
from holdall.query.schema import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.query.shape import Shape, Sizes, condition_shape, shape, split, values
from holdall.query.sort import SortKey
from holdall.query.text import MAX_TEXT, format_condition, format_query, parse_condition, parse_query
from holdall.query.walk import nodes, paths_of, replace

__all__ = [
    "ALWAYS",
    "MAX_DEPTH",
    "MAX_INT",
    "MAX_TEXT",
    "NEVER",
    "And",
    "AnyQuery",
    "Compare",
    "Condition",
    "Every",
    "Expression",
    "FieldSchema",
    "Generated",
    "Json",
    "Key",
    "Kind",
    "Lookup",
    "ManyForm",
    "Node",
    "Not",
    "Op",
    "Or",
    "Owner",
    "Path",
    "Predicate",
    "Query",
    "Row",
    "Schema",
    "Shape",
    "Sizes",
    "Some",
    "SortKey",
    "Table",
    "Value",
    "asc",
    "belongs_to",
    "both",
    "check",
    "compile_condition",
    "compile_path",
    "condition_shape",
    "count",
    "demand_field_of",
    "desc",
    "did_you_mean",
    "evaluate",
    "expr",
    "format_condition",
    "format_query",
    "is_of_kind",
    "kind_test",
    "matches",
    "negate",
    "nodes",
    "operators_of",
    "owner_of",
    "parse_condition",
    "parse_query",
    "paths_of",
    "replace",
    "resolve",
    "schema_of",
    "select",
    "shape",
    "split",
    "values",
]

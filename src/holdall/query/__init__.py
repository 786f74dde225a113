"""Queries: the waist of the house.

Models write them, policies add to them, stores compile them, ``evaluate`` defines them.
"""

from holdall.query._formula import Formula
from holdall.query.aggregate import Aggregate, Function, Grouping
from holdall.query.aggregated import Aggregated, Column, rows
from holdall.query.border import Json, Key, Row, Value
from holdall.query.check import check, operators_of
from holdall.query.columns import columns_schema, query_of_columns
from holdall.query.condition import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Every,
    Exists,
    Node,
    Not,
    Op,
    Or,
    Owner,
    Path,
    Some,
    Stated,
    Statement,
    both,
)
from holdall.query.evaluate import Table, count, evaluate, matches, select
from holdall.query.expression import AnyExpression, Computed, Expression, expr, owner_of
from holdall.query.functions import asc, desc, negate
from holdall.query.groups import GroupPlan
from holdall.query.inner import Inner
from holdall.query.json_key import KEY_KINDS, KeyKinds, key_from_json, key_kinds, key_to_json, keys_inside, value_getter
from holdall.query.kinds import MAX_DEPTH, MAX_INT, is_of_kind, is_too_deep, kind_test
from holdall.query.later import Later, has_later, with_values
from holdall.query.names import did_you_mean
from holdall.query.nested_place import NestedName, NestedPlace
from holdall.query.object_id import OBJECT_ID, is_object_id
from holdall.query.outline import outline
from holdall.query.ownership import belongs_to, demand_field_of
from holdall.query.paths import paths_of
from holdall.query.placing import placed
from holdall.query.predicate import Lookup, Predicate, compile_condition, compile_path
from holdall.query.query import AnyQuery, Query
from holdall.query.resolve import resolve, schema_of
from holdall.query.schema import Asked, FieldSchema, Generated, Kind, LinkTable, ManyForm, Schema
from holdall.query.search import MAX_SEARCH, read_search
from holdall.query.shape import Shape, Sizes, condition_shape, is_truth, shape, split, values
from holdall.query.sort import SortKey
from holdall.query.term import Call, Constant, Of, Outer, Term, formula, is_formula, leads_on, paths_behind
from holdall.query.term_values import compile_term
from holdall.query.text import MAX_TEXT, format_condition, format_query, parse_condition, parse_query
from holdall.query.value_functions import (
    as_bool,
    as_float,
    as_int,
    as_text,
    coalesce,
    concat,
    date_of,
    exists,
    fold,
    length,
    lower,
    outer,
    to_decimal,
    to_float,
    to_text,
    trim,
    upper,
    weekday,
)
from holdall.query.walk import nodes, replace

__all__ = [
    "ALWAYS",
    "KEY_KINDS",
    "MAX_DEPTH",
    "MAX_INT",
    "MAX_SEARCH",
    "MAX_TEXT",
    "NEVER",
    "OBJECT_ID",
    "Aggregate",
    "Aggregated",
    "And",
    "AnyExpression",
    "AnyQuery",
    "Asked",
    "Call",
    "Column",
    "Compare",
    "Computed",
    "Condition",
    "Constant",
    "Every",
    "Exists",
    "Expression",
    "FieldSchema",
    "Formula",
    "Function",
    "Generated",
    "GroupPlan",
    "Grouping",
    "Inner",
    "Json",
    "Key",
    "KeyKinds",
    "Kind",
    "Later",
    "LinkTable",
    "Lookup",
    "ManyForm",
    "NestedName",
    "NestedPlace",
    "Node",
    "Not",
    "Of",
    "Op",
    "Or",
    "Outer",
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
    "Stated",
    "Statement",
    "Table",
    "Term",
    "Value",
    "as_bool",
    "as_float",
    "as_int",
    "as_text",
    "asc",
    "belongs_to",
    "both",
    "check",
    "coalesce",
    "columns_schema",
    "compile_condition",
    "compile_path",
    "compile_term",
    "concat",
    "condition_shape",
    "count",
    "date_of",
    "demand_field_of",
    "desc",
    "did_you_mean",
    "evaluate",
    "exists",
    "expr",
    "fold",
    "format_condition",
    "format_query",
    "formula",
    "has_later",
    "is_formula",
    "is_object_id",
    "is_of_kind",
    "is_too_deep",
    "is_truth",
    "key_from_json",
    "key_kinds",
    "key_to_json",
    "keys_inside",
    "kind_test",
    "leads_on",
    "length",
    "lower",
    "matches",
    "negate",
    "nodes",
    "operators_of",
    "outer",
    "outline",
    "owner_of",
    "parse_condition",
    "parse_query",
    "paths_behind",
    "paths_of",
    "placed",
    "query_of_columns",
    "read_search",
    "replace",
    "resolve",
    "rows",
    "schema_of",
    "select",
    "shape",
    "split",
    "to_decimal",
    "to_float",
    "to_text",
    "trim",
    "upper",
    "value_getter",
    "values",
    "weekday",
    "with_values",
]

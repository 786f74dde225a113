"""Names for what is computed in queries: functions of text, numbers, dates and JSON.

>>> from holdall.functions import coalesce, length
"""

from holdall.query import (
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

__all__ = [
    "as_bool",
    "as_float",
    "as_int",
    "as_text",
    "coalesce",
    "concat",
    "date_of",
    "exists",
    "fold",
    "length",
    "lower",
    "outer",
    "to_decimal",
    "to_float",
    "to_text",
    "trim",
    "upper",
    "weekday",
]

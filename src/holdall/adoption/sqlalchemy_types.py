"""Types of SQLAlchemy whatever they are of: columns, mappers, relationships, Selects."""

from __future__ import annotations

from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, RelationshipProperty

__all__ = ["AnyColumn", "AnyMapper", "AnyRelationship", "AnySelect", "Options"]

AnyColumn: TypeAlias = sa.Column[Any]
AnyMapper: TypeAlias = Mapper[Any]
AnyRelationship: TypeAlias = RelationshipProperty[Any]
AnySelect: TypeAlias = sa.Select[Any]
Options: TypeAlias = dict[str, Any]
"""Options of ``field``."""

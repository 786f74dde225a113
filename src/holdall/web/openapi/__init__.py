"""The OpenAPI document's part about the collections."""

from holdall.web.openapi.acting import action_schemas, add_by_name, row_schema
from holdall.web.openapi.document import contribute, contribution, many_operations, one_operations
from holdall.web.openapi.files import add_direct, file_of
from holdall.web.openapi.own_operations import ASKS_WHO, describe_own
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.streams import add_streams
from holdall.web.openapi.writing import add_idempotency

__all__ = [
    "ASKS_WHO",
    "Node",
    "RecordSchemas",
    "action_schemas",
    "add_by_name",
    "add_direct",
    "add_idempotency",
    "add_streams",
    "contribute",
    "contribution",
    "describe_own",
    "file_of",
    "many_operations",
    "one_operations",
    "row_schema",
]

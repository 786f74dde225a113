"""The OpenAPI document's part about the collections."""

from holdall.web.openapi.access import EVERYTHING, Access, access_of
from holdall.web.openapi.acting import action_schemas, add_by_name, row_schema
from holdall.web.openapi.document import RIGHTS, contribute, contribution, many_operations, one_operations
from holdall.web.openapi.files import add_direct, file_of
from holdall.web.openapi.job_reports import add_job_reports
from holdall.web.openapi.links import add_links
from holdall.web.openapi.own_operations import ASKS_WHO, NARROWED, Narrowing, describe_own, narrow_views
from holdall.web.openapi.reach import leave_out_unreached
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.spelling import spell_plainly
from holdall.web.openapi.streams import add_streams
from holdall.web.openapi.writing import add_idempotency

__all__ = [
    "ASKS_WHO",
    "EVERYTHING",
    "NARROWED",
    "RIGHTS",
    "Access",
    "Narrowing",
    "Node",
    "RecordSchemas",
    "access_of",
    "action_schemas",
    "add_by_name",
    "add_direct",
    "add_idempotency",
    "add_job_reports",
    "add_links",
    "add_streams",
    "contribute",
    "contribution",
    "describe_own",
    "file_of",
    "leave_out_unreached",
    "many_operations",
    "narrow_views",
    "one_operations",
    "row_schema",
    "spell_plainly",
]

"""The layer around all requests: their ids, limits, deadlines, log, telemetry, and the health of the service."""

from holdall.web.operations.cross_origin import with_cross_origin
from holdall.web.operations.freezing import freeze_once
from holdall.web.operations.front import Front
from holdall.web.operations.health_paths import HealthPaths
from holdall.web.operations.request_ids import REQUEST_ID, current_request_id
from holdall.web.operations.told import ANSWERED, HEADERS, ROUTE, note_answer, telling

__all__ = [
    "ANSWERED",
    "HEADERS",
    "REQUEST_ID",
    "ROUTE",
    "Front",
    "HealthPaths",
    "current_request_id",
    "freeze_once",
    "note_answer",
    "telling",
    "with_cross_origin",
]

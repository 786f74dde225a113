"""Names of the log record, until every user of them has moved."""

from holdall.session.journal.log_record import CallState, Operation, Part, inverse
from holdall.session.journal.log_record import LogRecord as Entry

__all__ = ["CallState", "Entry", "Operation", "Part", "inverse"]

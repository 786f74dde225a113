"""Export and import of whole collections: files of CSV or of lines of JSON, in batches, with a report."""

from holdall.app.transfer.report import ImportFailure, ImportReport
from holdall.app.transfer.transferring import Transferring

__all__ = ["ImportFailure", "ImportReport", "Transferring"]

"""Imports: many new records in one body of CSV or of lines of JSON, read as it comes."""

from holdall.web.importing.imports import IMPORTED, Imports

__all__ = ["IMPORTED", "Imports"]

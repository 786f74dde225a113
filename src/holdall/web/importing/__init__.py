"""Imports: many new records in one body of CSV or of lines of JSON, read as it comes."""

from holdall.web.importing.imports import IMPORTED, Imports, Line, Report

__all__ = ["IMPORTED", "Imports", "Line", "Report"]

"""Data that is migrated: a function goes over all records of a collection, once."""

from holdall.app.migrating.migration import Change, Migration
from holdall.app.migrating.report import MigrationFailure, MigrationReport, MigrationSample

__all__ = ["Change", "Migration", "MigrationFailure", "MigrationReport", "MigrationSample"]

"""Jobs over HTTP: actions that requests start, and the reports on them at ``/_jobs/{id}``."""

from holdall.web.jobs.action_jobs import JOBS, ActionJobs
from holdall.web.jobs.jobs_route import add_jobs

__all__ = ["JOBS", "ActionJobs", "add_jobs"]

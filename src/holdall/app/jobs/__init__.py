"""Jobs: long work over the records of a collection, in parts that can be taken up again, in one process or in many."""

from holdall.app.jobs.jobs import JobFunction, Jobs
from holdall.app.jobs.long_work import LongWork
from holdall.app.jobs.report import JobFailure, JobReport

__all__ = ["JobFailure", "JobFunction", "JobReport", "Jobs", "LongWork"]

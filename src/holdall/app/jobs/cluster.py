"""Jobs on a cluster of Dask: it hands out the parts; notes, leases and commits are those of any other run."""

from __future__ import annotations

import asyncio
import importlib
import sys

from holdall.app.jobs.jobs import Jobs
from holdall.app.jobs.report import JobReport
from holdall.errors import DeclarationError
from holdall.query import Value

__all__ = ["run_on_cluster"]


async def run_on_cluster(jobs: Jobs, job: str, target: str, scheduler: str) -> JobReport:
    """Have the workers of a cluster work on the parts of a job, and report once all are done.

    ``target`` names the application as ``module:app``, which each worker must be able to import; ``scheduler`` is an
    address, as ``tcp://10.0.0.1:8786``. A part whose worker dies is handed to another. Raises DeclarationError where
    ``holdall[dask]`` is not installed. Example: ``docs/jobs.md``.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise DeclarationError("jobs on a cluster need Dask: pip install holdall[dask]") from error
    parts = await jobs.plan(job)
    make: Value = Client
    client = await make(scheduler, asynchronous=True)
    try:
        futures = [client.submit(_work, target, job, part, key=f"holdall-{part}", pure=False) for part in parts]
        await client.gather(futures)
    finally:
        await client.close()
    return await jobs.settle(job)


def _work(target: str, job: str, part: str) -> None:
    """Work on a part, in a worker of the cluster."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    module, _, name = target.partition(":")
    app = getattr(importlib.import_module(module), name or "app")

    async def main() -> None:
        try:
            await app.jobs.work_part(job, part)
        finally:
            await app.close()

    asyncio.run(main())

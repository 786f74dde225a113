"""``holdall serve``: an application's REST service on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from holdall.app import Holdall
from holdall.cli import worker
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.fitting import prepare
from holdall.cli.listener import listen
from holdall.cli.rights import rights_of
from holdall.cli.server import run_reloading, run_server, run_workers
from holdall.cli.target import Target, TargetText

__all__ = ["serve"]


def serve(
    target: TargetText,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that answer.")] = 1,
    create: Annotated[
        bool, typer.Option("--create", help="First make the tables and folders that are missing.")
    ] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start anew when a file of Python in this folder changes.")
    ] = False,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve an application over HTTP, once what is stored fits its models."""
    if reload and workers > 1:
        raise Failure("--reload is for one process while you write, --workers for production: choose one", MISUSE)
    found = Target(target)
    service = found.service()
    if workers > 1:
        _demand_shared(found.app)
    listener = listen(host, port)
    prepare(found, create=create, is_served=True)
    for line in rights_of(found.app, service):
        print(line, flush=True)

    def announce(address: str) -> None:
        print(f"{found.app.name} is served on {address}", flush=True)

    if reload:
        with worker.environment(target, reloads=True, create=create):
            run_reloading(worker.FACTORY, listener, announce, access_log=access_log)
        return
    if workers == 1:
        run_server(service, listener, announce, access_log=access_log)
        return
    with worker.environment(target):
        run_workers(worker.FACTORY, listener, announce, workers=workers, access_log=access_log)


def _demand_shared(app: Holdall) -> None:
    """Raise Failure for a store that each process would have for itself."""
    alone = [store.name for store in app.stores.values() if not store.capabilities.is_durable]
    if alone:
        raise Failure(
            f"store {alone[0]!r} is in the memory of one process, and each worker would have another: serve it with"
            " --workers 1, or keep it in a file or on a server"
        )

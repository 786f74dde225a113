"""The command line: ``holdall serve``, ``check``, ``create``, ``inspect`` and others; needs ``holdall[cli]``."""

from holdall.cli.failure import Failure
from holdall.cli.listener import listen
from holdall.cli.main import main
from holdall.cli.server import run_server

__all__ = ["Failure", "listen", "main", "run_server"]

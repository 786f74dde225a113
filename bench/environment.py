"""The peers' own virtual environment, ``build/peers-venv``: made anew whenever ``bench/peers.txt`` changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.process import BUILD, ROOT, Failure, log_path

_REQUIREMENTS = ROOT / "bench" / "peers.txt"
_HOME = BUILD / "peers-venv"
_STAMP = _HOME / "installed.txt"


def peers_python() -> Path:
    """The interpreter of the peers' environment, made if need be. Raises Failure if it cannot be made."""
    python = _HOME / "bin" / "python"
    wanted = _REQUIREMENTS.read_text() + sys.version
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return python
    print("installing the peers into build/peers-venv ...", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(_HOME)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(_REQUIREMENTS)])
    _STAMP.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    log = log_path("environment")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        if subprocess.run(command, stdout=output, stderr=output, timeout=600, check=False).returncode:
            raise Failure(f"the peers' environment cannot be made; see {log}")

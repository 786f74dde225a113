"""What happens when a wheel is built: the parts that are in C are compiled, where there is a compiler for them.

Without one, without Python's headers, or with ``HOLDALL_PURE=1``, the wheel is made of Python alone and fits every
machine; it does the same, only slower.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["SOURCES", "CompileHook", "compile_part"]

SOURCES = ("src/holdall/model/_write.c", "src/holdall/stores/sql/_classes.c")
_TIMEOUT = 120  # seconds


class CompileHook(BuildHookInterface[Any]):
    """Puts each module beside its source, where an editable install finds it, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell the builder what came of it."""
        is_pure = os.environ.get("HOLDALL_PURE", "0") not in ("", "0")
        sources = [] if is_pure else [Path(self.root, source) for source in SOURCES]
        made = [part for source in sources if (part := compile_part(source, source.parent)) is not None]
        if len(made) < len(SOURCES):
            self.app.display_warning("not all parts in C were compiled: Holdall is as good without, but slower")
        if not made:
            return
        build_data["artifacts"].extend(part.relative_to(self.root).as_posix() for part in made)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def compile_part(source: Path, folder: Path) -> Path | None:
    """Compile for the Python that runs this into a module in the folder; None if that cannot be done."""
    suffix, linker = sysconfig.get_config_var("EXT_SUFFIX"), sysconfig.get_config_var("LDSHARED")
    if not suffix or not linker:
        return None
    target = folder / f"{source.stem}{suffix}"
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    includes = [f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude")]
    command = [*shlex.split(linker), "-O2", "-fPIC", *includes, str(source), "-o", str(unfinished)]
    target.unlink(missing_ok=True)  # what was compiled from an older source must not be found in its place
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT)  # noqa: S603 - Python's own compiler
        return unfinished.replace(target)
    except (OSError, subprocess.SubprocessError):
        unfinished.unlink(missing_ok=True)
        return None

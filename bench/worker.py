"""The child side: does jobs of one module on request, ``{"job", "arguments"}`` in and ``{"value"}`` out, a line each.

A job is a public function of the module, plain or async, that does its work and returns the measured number. Preparing
and checking belong inside the job but outside its clock.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import sys
import traceback


def main(module_name: str) -> None:
    """Serve the jobs of this module until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    with asyncio.Runner() as runner:
        module = None
        for line in sys.stdin:
            request = json.loads(line)
            try:
                module = module or importlib.import_module(module_name)
                gc.collect()
                value = getattr(module, request["job"])(**request["arguments"])
                if inspect.iscoroutine(value):
                    value = runner.run(value)
                answer = {"value": value}
            except Exception as error:  # the border of a process: every failure becomes an answer
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""The main loop of a worker process: read a call, run it, send its result; end when the pipe closes."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO

from workbench.base.errors import WorkbenchError

PR_SET_PDEATHSIG = 1


def main(parent: int) -> None:
    """Serve calls until standard input closes. Whatever libraries print goes to standard error.

    Args:
        parent: process id of the program that started this one; it ends with it, in the middle of a call too.
    """
    _end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    while (answer := _serve(requests)) is not None:
        answers.write(answer)
        answers.flush()
    os._exit(0)  # all answers are out; renderers may crash while the interpreter takes itself apart


def _end_with(parent: int) -> None:
    """Have the kernel end this process with its parent: a closed pipe is seen only between two calls.

    To Linux the parent is the thread that started this process; a thread of the pool lives as long as the pool.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it was dead before
            os._exit(1)


def _serve(requests: BinaryIO) -> bytes | None:
    try:
        function, args, kwargs = pickle.load(requests)  # noqa: S301 - from the parent over a private pipe
    except EOFError:
        return None
    except Exception as error:  # the parent's function cannot be imported here: report it and keep running
        return _failure(error)
    try:
        return pickle.dumps((True, function(*args, **kwargs)))
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> bytes:
    try:
        data = pickle.dumps((False, error))
        pickle.loads(data)  # noqa: S301 - own bytes: an error that does not survive the way is replaced below
        return data
    except Exception:
        text = "".join(traceback.format_exception_only(error)).strip()
        return pickle.dumps((False, WorkbenchError(f"A call in a worker process failed: {text.rstrip('.')}.")))

"""Which process something in the database belongs to, and whether that process still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import psutil

from workbench.base.shapes import fault

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TICKS = 19  # index of ``starttime`` behind the name, see proc(5)


def this_process() -> dict[str, Any]:
    """The process that calls, as it is noted in the database."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_dead(owner: Any) -> bool:
    """Whether the owner was a process of this machine that has ended; its number may belong to another by now.

    What names no process is nobody's, as of a dead one.
    """
    if owner is not None and fault(owner, {"host": str, "pid": int, "started": (str, float)}):
        return True
    if owner is None or owner["host"] != socket.gethostname():
        return False
    return _started(int(owner["pid"])) != str(owner["started"])


def _started(pid: int) -> str:
    """When a process was started: which start of the machine, and how long after it; empty when there is none.

    Not the time of day of ``psutil``, which comes out differently once the clock is set.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        if not BOOT_ID.exists():  # not Linux
            return str(process.create_time())
        after_name = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return f"{BOOT_ID.read_text().strip()} {after_name[TICKS]}"
    except (psutil.Error, OSError):
        return ""

"""Worker processes for heavy work: an executor that works in notebooks and in scripts without a guard."""

from workbench.base.processes.gc_pause import no_cycles
from workbench.base.processes.pool import SAFE_PATH, WorkerDied, WorkerProcesses, supervised

__all__ = ["SAFE_PATH", "WorkerDied", "WorkerProcesses", "no_cycles", "supervised"]

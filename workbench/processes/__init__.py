"""Worker processes for heavy work: an executor that works in notebooks and in scripts without a guard."""

from workbench.processes.cycles import no_cycles
from workbench.processes.pool import WorkerDied, WorkerProcesses

__all__ = ["WorkerDied", "WorkerProcesses", "no_cycles"]

"""A Dask cluster as an executor: the same frames, drawn on other machines that see the same folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from workbench.actions.generate.record import generator_version
from workbench.base.errors import InputError
from workbench.base.optional import require
from workbench.base.processes import WorkerDied

T = TypeVar("T")
PATIENCE_S = 10.0  # for the scheduler to answer


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """An executor whose calls run in the workers of a Dask scheduler; they are left running at the end.

    Args:
        address: of the scheduler, e.g. ``tcp://10.0.0.5:8786``.

    Raises:
        MissingExtra: Dask is not installed here.
        InputError: no scheduler answers there, it has no workers, or they hold another version of the workbench.
    """
    distributed = require("distributed", purpose="a Dask cluster")
    try:
        client = distributed.Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as cause:  # a TimeoutError is an OSError
        fix = "Start it with `dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`."
        reason = f"{type(cause).__name__}: {cause}"[:160]
        raise InputError(f"No Dask scheduler answers ({reason}).", at=address, fix=fix) from cause
    with client:
        _check_workers(client, address)
        yield DaskWorkers(client)


def _check_workers(client: Any, address: str) -> None:
    try:
        versions = client.run(generator_version)
    except ModuleNotFoundError as cause:
        problem = f"The workbench is not installed in the workers: {cause}."
        raise InputError(problem, at=address, fix="Install it there, in the same version.") from cause
    if not versions:
        raise InputError("The cluster has no workers.", at=address, fix=f"Start some: dask worker {address}")
    others = {worker: version for worker, version in versions.items() if version != generator_version()}
    if others:
        worker, version = next(iter(others.items()))
        fix = "Install the same version everywhere, so that frames do not depend on where they are drawn."
        problem = f"The worker has workbench {version}, this machine has {generator_version()}."
        raise InputError(problem, at=worker, fix=fix)


class DaskWorkers(Executor):
    """Calls run by a Dask client; a worker that dies and a lost cluster are told in our own errors."""

    def __init__(self, client: Any) -> None:
        self._inner = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` in a worker of the cluster."""
        return _Forwarded(self._inner.submit(fn, *args, **kwargs))


class _Forwarded(Future[T]):
    """A future that ends as another one does, with its error in our words."""

    def __init__(self, inner: Future[T]) -> None:
        super().__init__()
        self._inner = inner
        self._own_cancel = False
        inner.add_done_callback(self._end)

    def cancel(self) -> bool:
        """Cancel the call, if it has not ended."""
        self._own_cancel = True
        return self._inner.cancel() and super().cancel()

    def _end(self, inner: Future[T]) -> None:
        if inner.cancelled():
            if self._own_cancel or self.cancelled():
                super().cancel()
                return
            self.set_exception(BrokenExecutor("The cluster dropped the work; its scheduler may have ended."))
            return
        error = inner.exception()
        if error is None:
            self.set_result(inner.result())
        else:
            self.set_exception(_in_our_words(error))


def _in_our_words(error: BaseException) -> BaseException:
    name = type(error).__name__
    if name == "KilledWorker":  # Dask tried three workers
        fix = "Free memory there, or start fewer workers; what is finished is kept, and the same call completes it."
        return WorkerDied(f"A worker process of the cluster was killed: {str(error)[:200]}.", fix=fix)
    if name in ("CommClosedError", "FutureCancelledError", "CancelledError"):
        return BrokenExecutor(f"{name}: {error}")
    return error

"""A curator at work, in a process that can be killed: ``python curator.py DATASET SAMPLES LOG``, then seeds on stdin.

FiftyOne takes seconds to import, so this process imports it once and forks a curator for every line
``<seed> <first tag of its own>``; it answers with the process id. A curator tags and takes back until it is killed, and
appends the id of each confirmed change to the log.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import workbench as wb
from workbench.adapters import store
from workbench.adapters.store import journal
from workbench.base.errors import WorkbenchError

TAGS = ("failure:glare", "failure:dim", "other")
SMALL_CHUNK = 16  # so that a change has many steps to be cut off between


def work(name: str, samples: int, log: Path, seed: int) -> None:
    journal.CHUNK = SMALL_CHUNK
    dataset = store.require_dataset(name)
    ids = store.select(dataset)
    assert len(ids) == samples
    rng = random.Random(seed)
    with log.open("a") as confirmed:
        while True:
            chosen = rng.sample(ids, rng.randint(1, samples))
            action = rng.choice(["tag", "tag", "untag", "undo", "redo"])
            try:
                if action in ("undo", "redo"):
                    entry = getattr(wb, action)(dataset, who=str(seed))
                else:
                    entry = getattr(wb, action)(dataset, rng.choice(TAGS), ids=chosen, who=str(seed))
            except WorkbenchError as error:
                if "to undo" in str(error) or "to redo" in str(error):
                    continue
                print(f"curator {seed}: {error}", file=sys.stderr, flush=True)
                os._exit(3)  # the database has gone
            confirmed.write(f"{entry.change_id}\n")
            confirmed.flush()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are nobody's zombies
    name, samples, log = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work(name, samples, log, int(line))
        print(pid, flush=True)


if __name__ == "__main__":
    main()

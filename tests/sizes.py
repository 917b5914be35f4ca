"""How large a run of the tests is.

``make test`` proves behaviour. ``make test-long`` does the same at full size, with the tests marked ``long``; it sets
``WORKBENCH_TESTS=long``. ``make quick`` runs the folders that need no database, browser or renderer, with fewer random
examples; it sets ``WORKBENCH_TESTS=quick``. Every count that depends on the size is here.
"""

from __future__ import annotations

import os
from typing import TypeVar

QUICK, LONG = (os.environ.get("WORKBENCH_TESTS") == size for size in ("quick", "long"))
T = TypeVar("T")


def sized(usual: T, full: T) -> T:
    """The value for ``make test`` or the one for ``make test-long``."""
    return full if LONG else usual


EXAMPLES = 25 if QUICK else sized(40, 100)  # of a property, where it names no number itself
FUZZ_CASES = sized(200, 500)  # mutated files for each reader: in the long run 8,000 in all
DOCUMENT_CASES = sized(60, 300)  # mutated documents of each kind that is no data set: 11,400 in the long run
STORED_CASES = sized(12, 60)  # the same of those that end in the database
OWN_CASES = sized(8, 100)  # spoiled documents of each kind that only the workbench writes to the database
ANY_VALUE_CASES = sized(100, 500)  # documents with any value anywhere, mutated pictures
AT_ONCE = sized(5, 10)  # processes that want the database at the same moment
CURATOR_KILLS = sized(4, 50)  # of a kernel that tags; every second time its database too
JOB_KILLS = sized(4, 50)  # of a job that generates
WARM_FRAMES = sized(50, 200)  # of a job whose memory and handles must stay flat between
MANY_FRAMES = sized(150, 1_000)
ACTION_KILLS = sized(1, 13)  # of each action, every second time with its database

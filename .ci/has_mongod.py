"""Exit 0 when a MongoDB server is there: FiftyOne's own, one on PATH, or a server named by the user.

One that is there is never replaced: its data may not be readable by an older one.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

spec = importlib.util.find_spec("fiftyone")  # finds the folder without the four seconds of an import
own = Path(spec.origin).parent / "db" / "bin" / "mongod" if spec and spec.origin else None
found = os.environ.get("FIFTYONE_DATABASE_URI") or (own and own.is_file()) or shutil.which("mongod")
sys.exit(0 if found else 1)

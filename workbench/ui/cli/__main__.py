"""``python -m workbench.ui.cli`` is the same as ``workbench``."""

import sys

from workbench.ui.cli import main

sys.exit(main())

"""Tools of those who develop the workbench: ``python -m tests.tools calibrate|sample-data``."""

"""Calibration of the measures on pictures whose light, surfaces and sensor are known."""

from workbench.calibrating.report import Report
from workbench.calibrating.run import calibrate

__all__ = ["Report", "calibrate"]

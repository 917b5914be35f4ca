"""Calibration of the measures on pictures whose light, surfaces and sensor are known."""

from tests.tools.calibration.report import Report
from tests.tools.calibration.run import calibrate

__all__ = ["Report", "calibrate"]

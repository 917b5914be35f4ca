"""Ask a model directly: a designed experiment of generated pictures says which factors it fails by."""

from workbench.auditing.factors import FACTORS, Factor
from workbench.auditing.run import Audit, audit

__all__ = ["FACTORS", "Audit", "Factor", "audit"]

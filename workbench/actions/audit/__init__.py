"""Ask a model directly: a designed experiment of generated pictures says which factors it fails by."""

from workbench.actions.audit.audit import Audit, audit
from workbench.actions.audit.factors import FACTORS, Factor

__all__ = ["FACTORS", "Audit", "Factor", "audit"]

"""Audit a model: a designed experiment of generated images shows which factors make it fail."""

from workbench.actions.audit.audit import Audit, audit
from workbench.actions.audit.factors import FACTORS, Factor

__all__ = ["FACTORS", "Audit", "Factor", "audit"]

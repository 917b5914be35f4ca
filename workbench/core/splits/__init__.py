"""Leak-free splits: groups that stay together, shares, strata, limits. Pure."""

from workbench.core.splits.groups import Member, groups
from workbench.core.splits.limits import Deviation, settled
from workbench.core.splits.plan import LeftOut, Plan, assign, plan
from workbench.core.splits.spec import DEFAULT_RATIOS, SplitSpec

__all__ = [
    "DEFAULT_RATIOS",
    "Deviation",
    "LeftOut",
    "Member",
    "Plan",
    "SplitSpec",
    "assign",
    "groups",
    "plan",
    "settled",
]

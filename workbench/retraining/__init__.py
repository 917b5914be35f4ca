"""One turn of the loop in one call: export, train, predict, record the round; all of it or nothing."""

from workbench.retraining.run import Retrained, retrain

__all__ = ["Retrained", "retrain"]

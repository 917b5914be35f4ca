"""Train on exported splits and predict: a protocol for trainers, a small detector, and any command line."""

from workbench.actions.train.command import CommandTrainer
from workbench.actions.train.detector import Detector
from workbench.actions.train.trainer import Trainer, predict

__all__ = ["CommandTrainer", "Detector", "Trainer", "predict"]

"""Train on exported splits and predict: a protocol for trainers, a small detector, and any command line."""

from workbench.training.command import CommandTrainer
from workbench.training.detector import Detector
from workbench.training.trainer import Trainer, predict

__all__ = ["CommandTrainer", "Detector", "Trainer", "predict"]

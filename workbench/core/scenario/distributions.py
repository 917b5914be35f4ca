"""Distributions: how a parameter is drawn. A distribution is one class and one line in ``DISTRIBUTIONS``.

The fields of a class are the keys of a document: ``{uniform: [0, 1]}`` and ``{uniform: {low: 0, high: 1}}``
are the same. A ``ValueError`` says in a sentence what is wrong with the fields; the document adds the parameter path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import numpy as np

from workbench.base.errors import one_of
from workbench.base.plurals import counted
from workbench.core.scenario import expressions
from workbench.core.scenario.distribution import At, Distribution, check_clip, check_number, check_ordered, freeze
from workbench.core.scenario.donors import AnyDonor
from workbench.core.scenario.drop import Drop
from workbench.core.scenario.objects import AnyObject
from workbench.core.scenario.parameter import Parameter
from workbench.core.scenario.placement import Scatter2D
from workbench.core.scenario.volume import CameraFrustum, Scatter3D

MAX_REDRAWS = 10_000
ROUNDING = 0.01  # of weights that people write
MIN_MASS = 1e-3  # a clip that keeps less than this is a mistake


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    value: Any
    takes_list: ClassVar[bool] = True

    def draw(self, at: At) -> Any:
        return self.value

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return (self.value,)


@dataclass(frozen=True)
class Each(Distribution):
    """A listed value for each object, as in resolved frames."""

    values: tuple[Any, ...]
    takes_list: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if len(self.values):  # a frame may hold no object
            freeze(self, "values")
        object.__setattr__(self, "values", tuple(self.values))

    def draw(self, at: At) -> Any:
        if at.index >= len(self.values):
            raise ValueError(
                f"There are values for {counted(len(self.values), 'object')}, but the frame has more objects."
            )
        return self.values[at.index]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return self.values


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every number of the interval with the same probability."""

    low: float
    high: float

    def __post_init__(self) -> None:
        check_ordered(self.low, self.high)

    def draw(self, at: At) -> float:
        return float(at.rng.uniform(self.low, self.high))

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return (self.low, self.high)


@dataclass(frozen=True)
class UniformInt(Uniform):
    """Every whole number from ``low`` to ``high``, both included, with the same probability."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not float(self.low).is_integer() or not float(self.high).is_integer():
            raise ValueError(f"The bounds must be whole numbers, not {self.low} and {self.high}.")

    def draw(self, at: At) -> int:
        return int(at.rng.integers(int(self.low), int(self.high), endpoint=True))


@dataclass(frozen=True)
class LogUniform(Uniform):
    """Every ratio with the same probability: uniform in the logarithm."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ValueError(f"The lower bound must be above 0, not {self.low}.")

    def draw(self, at: At) -> float:
        drawn = math.exp(at.rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(drawn, self.low), self.high)  # exp(log(x)) may miss x by a rounding


@dataclass(frozen=True)
class UniformSine(Uniform):
    """Elevation in degrees of directions spread evenly over a sphere: uniform in the sine."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low < -90 or self.high > 90:
            raise ValueError(f"Elevations must be from -90 to 90 degrees, not from {self.low} to {self.high}.")

    def draw(self, at: At) -> float:
        low, high = math.sin(math.radians(self.low)), math.sin(math.radians(self.high))
        drawn = math.degrees(math.asin(min(max(at.rng.uniform(low, high), -1.0), 1.0)))
        return min(max(drawn, self.low), self.high)


@dataclass(frozen=True)
class UniformVolume(Uniform):
    """Distance of points spread evenly over the volume of a shell: uniform in the cube."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low < 0:
            raise ValueError(f"Distances must be 0 or more, not {self.low}.")

    def draw(self, at: At) -> float:
        drawn = float(np.cbrt(at.rng.uniform(self.low**3, self.high**3)))
        return min(max(drawn, self.low), self.high)


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution; what falls outside ``clip`` (by default the parameter's range) is drawn again."""

    mean: float
    std: float
    clip: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_number(self.mean, "mean")
        if check_number(self.std, "std") < 0:
            raise ValueError(f"std must be 0 or more, not {self.std}.")
        check_clip(self)

    def draw(self, at: At) -> float:
        low, high = self.clip or (at.parameter.low, at.parameter.high)
        return _clipped_normal(at.rng, self.mean, self.std, low, high)

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        low, high = self.clip or (parameter.low, parameter.high)
        _mass_inside(self.mean, self.std, low, high)
        return self.clip or (self.mean,)


@dataclass(frozen=True)
class Around(Distribution):
    """Normal about a given ``value``, or about the value that was measured on the anchor.

    ``spread`` is the standard deviation at high confidence; it doubles at medium and is four times as wide at low.
    """

    spread: float
    value: float | None = None
    anchor: str | None = None
    clip: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.anchor is None):
            raise ValueError(
                f"around takes value or anchor, and {'neither' if self.value is None else 'both'} is given."
            )
        if check_number(self.spread, "spread") < 0:
            raise ValueError(f"spread must be 0 or more, not {self.spread}.")
        if self.value is not None:
            check_number(self.value, "value")
        if self.anchor is not None and not isinstance(self.anchor, str):
            raise ValueError(f"anchor must be the name of a measured value, not {self.anchor!r}.")
        check_clip(self)

    def draw(self, at: At) -> float:
        mean, factor = self._centre(at.measured)
        low, high = self.clip or (at.parameter.low, at.parameter.high)
        return _clipped_normal(at.rng, min(max(mean, low), high), self.spread * factor, low, high)

    def _centre(self, measured: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        if self.anchor is None:
            assert self.value is not None
            return self.value, 1.0
        if self.anchor not in measured:
            raise ValueError(f"The anchor has no measured value {self.anchor!r}.")
        return measured[self.anchor]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return self.clip or (() if self.value is None else (self.value,))


@dataclass(frozen=True)
class Choice(Distribution):
    """One of the listed values, with the probabilities ``weights``."""

    values: tuple[Any, ...]
    weights: tuple[float, ...] | None = None
    takes_list: ClassVar[bool] = True

    def __post_init__(self) -> None:
        freeze(self, "values")
        if self.weights is not None:
            freeze(self, "weights")
            if len(self.weights) != len(self.values):
                raise ValueError(
                    f"There are {counted(len(self.values), 'value')}, but {counted(len(self.weights), 'weight')}."
                )
            if min(check_number(weight, "Each weight") for weight in self.weights) < 0:
                raise ValueError(f"Weights must be 0 or more, not {list(self.weights)}.")
            if abs(sum(self.weights) - 1.0) > ROUNDING:
                raise ValueError(f"The weights {list(self.weights)} add up to {sum(self.weights):g}, not to 1.")

    def draw(self, at: At) -> Any:
        weights = None if self.weights is None else np.array(self.weights, dtype=float) / sum(self.weights)
        return self.values[int(at.rng.choice(len(self.values), p=weights))]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return self.values


@dataclass(frozen=True)
class ChoiceFrom(Distribution):
    """One of the library's names that match the patterns (``*`` matches anything)."""

    patterns: tuple[str, ...]
    takes_list: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.patterns, str):
            object.__setattr__(self, "patterns", (self.patterns,))
        freeze(self, "patterns")
        if not all(isinstance(pattern, str) for pattern in self.patterns):
            raise ValueError(f"Names and patterns must be text, not {list(self.patterns)}.")

    def draw(self, at: At) -> str:
        names = self.names(at.parameter)
        return names[int(at.rng.integers(len(names)))]

    def names(self, parameter: Parameter) -> list[str]:
        """The matching names, sorted; a full name may leave out its folder."""
        names: set[str] = set()
        for pattern in self.patterns:
            matches = {name for name in parameter.words if _matches(name, pattern)}
            if not matches:
                raise ValueError(f"No name matches {pattern!r}. {one_of(pattern, parameter.words)}")
            names |= matches
        return sorted(names)

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return tuple(self.names(parameter))


@dataclass(frozen=True)
class Sequence(Distribution):
    """The listed values in turn: frame ``i`` takes value ``i`` modulo their number."""

    values: tuple[Any, ...]
    takes_list: ClassVar[bool] = True

    def __post_init__(self) -> None:
        freeze(self, "values")

    def draw(self, at: At) -> Any:
        return self.values[at.frame % len(self.values)]

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return self.values


@dataclass(frozen=True)
class PoissonInt(Distribution):
    """A count: Poisson of this mean, at least ``min`` and at most ``max``."""

    mean: float
    max: int
    min: int = 0

    def __post_init__(self) -> None:
        if check_number(self.mean, "mean") < 0:
            raise ValueError(f"mean must be 0 or more, not {self.mean}.")
        check_ordered(self.min, self.max)

    def draw(self, at: At) -> int:
        return int(min(max(at.rng.poisson(self.mean), self.min), self.max))

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        return (self.min, self.max)


@dataclass(frozen=True)
class SO3Uniform(Distribution):
    """Every rotation with the same probability, as a quaternion wxyz (Shoemake 1992)."""

    def draw(self, at: At) -> list[float]:
        u, v, w = at.rng.random(3)
        a, b = math.sqrt(1.0 - u), math.sqrt(u)
        s, t = 2.0 * math.pi * v, 2.0 * math.pi * w
        return [b * math.cos(t), a * math.sin(s), a * math.cos(s), b * math.sin(t)]


# Quarter turns that bring each side of a box down: upright, head down, and the four sides.
_HALF = math.sqrt(0.5)
_LYING = (
    (0.0, 1.0, 0.0, 0.0),
    (_HALF, _HALF, 0, 0),
    (_HALF, -_HALF, 0, 0),
    (_HALF, 0, _HALF, 0),
    (_HALF, 0, -_HALF, 0),
)


@dataclass(frozen=True)
class Resting(Distribution):
    """Upright, or with the probability ``lying`` on another side, turned by any angle about the vertical."""

    lying: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= check_number(self.lying, "lying") <= 1.0:
            raise ValueError(f"lying must be a probability from 0 to 1, not {self.lying}.")

    def draw(self, at: At) -> list[float]:
        lies, side, turn = at.rng.random(), int(at.rng.integers(len(_LYING))), at.rng.uniform(0.0, math.pi)
        w, x, y, z = _LYING[side] if lies < self.lying else (1.0, 0.0, 0.0, 0.0)
        c, s = math.cos(turn), math.sin(turn)  # half the angle: turn covers the full circle
        return [c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w]


@dataclass(frozen=True)
class Expression(Distribution):
    """Arithmetic over other parameters, e.g. ``0.1 + 0.9 * scene.surface.roughness``."""

    expr: str

    def __post_init__(self) -> None:
        if not isinstance(self.expr, str):
            raise ValueError(f"The expression must be text, not {self.expr!r}.")
        expressions.parse(self.expr)

    def draw(self, at: At) -> float:
        tree = expressions.parse(self.expr)
        return expressions.evaluate(tree, {path: self._operand(at, path) for path in expressions.paths(tree)})

    def _operand(self, at: At, path: str) -> float:
        value = at.values[path]
        value = value[at.index] if isinstance(value, list) else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"The expression needs numbers, but {path} is {value!r}.")
        return float(value)

    def needs(self) -> frozenset[str]:
        return expressions.paths(expressions.parse(self.expr))


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    "constant": Constant,
    "each": Each,
    "uniform": Uniform,
    "uniform_int": UniformInt,
    "log_uniform": LogUniform,
    "uniform_sine": UniformSine,
    "uniform_volume": UniformVolume,
    "normal": Normal,
    "around": Around,
    "choice": Choice,
    "choice_from": ChoiceFrom,
    "sequence": Sequence,
    "poisson_int": PoissonInt,
    "so3_uniform": SO3Uniform,
    "resting": Resting,
    "scatter_2d": Scatter2D,
    "scatter_3d": Scatter3D,
    "camera_frustum": CameraFrustum,
    "drop": Drop,
    "donor": AnyDonor,
    "object": AnyObject,
    "expr": Expression,
}
NAMES: dict[type[Distribution], str] = {kind: name for name, kind in DISTRIBUTIONS.items()}


def _mass_inside(mean: float, std: float, low: float, high: float) -> None:
    below, above = (
        (bound - mean) / std / math.sqrt(2.0) if std else math.inf * (bound - mean or 1.0) for bound in (low, high)
    )
    inside = low <= mean <= high if not std else (math.erf(above) - math.erf(below)) / 2.0 >= MIN_MASS
    if not inside:
        raise _unreachable(mean, std, low, high)


def _clipped_normal(rng: np.random.Generator, mean: float, std: float, low: float, high: float) -> float:
    for _ in range(MAX_REDRAWS):
        value = float(rng.normal(mean, std))
        if low <= value <= high:
            return value
    raise _unreachable(mean, std, low, high)


def _unreachable(mean: float, std: float, low: float, high: float) -> ValueError:
    return ValueError(f"A normal distribution of mean {mean} and std {std} cannot reach the clip [{low}, {high}].")


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)

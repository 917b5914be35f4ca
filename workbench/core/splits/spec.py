"""The settings of splits, and the checks that need no data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from numbers import Real
from typing import Any

from workbench.base.errors import InputError, one_of
from workbench.base.files import canonical_json, sha256_text
from workbench.base.shapes import Shape, fault
from workbench.core.schema.fields import LIGHTING, SURFACE

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
STAGES = ("pretrain", "finetune")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOLERANCE = 1e-6
_MOST_FOLDS = 100
_EXAMPLE = "Write for example train=.7,val=.15,test=.15, or counts: train=700,val=150,test=150."


def parse_numbers(text: str) -> dict[str, float]:
    """Numbers by split.

    >>> parse_numbers("train=.7, test=.3")
    {'train': 0.7, 'test': 0.3}

    Raises:
        ValueError: the text has another form.
    """
    return {name.strip(): float(value) for name, value in (part.split("=") for part in text.split(","))}


def parse_ratios(text: str) -> dict[str, float]:
    """Synthetic samples per real one by split.

    >>> parse_ratios("train=1:3")
    {'train': 3.0}

    Raises:
        ValueError: the text has another form.
    """
    ratios = {name.strip(): ratio.split(":") for name, ratio in (part.split("=") for part in text.split(","))}
    if any(float(real) == 0 for real, _ in ratios.values()):
        raise ValueError(text)
    return {name: float(synthetic) / float(real) for name, (real, synthetic) in ratios.items()}


def parse_names(text: str) -> tuple[str, ...]:
    """Names between commas.

    >>> parse_names("test, val")
    ('test', 'val')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip())


@dataclass(frozen=True)
class Option:
    """How a field of ``SplitSpec`` is written on a command line.

    Attributes:
        help: its meaning in one line.
        shape: of its values; see ``base/shapes``.
        parse: reads its text; ``None`` for a switch.
        write: the text of a value.
        example: placeholder of the value in help texts.
        flag: name of the switch that turns off a field that is on by default.
    """

    help: str
    shape: Shape
    parse: Callable[[str], Any] | None = None
    write: Callable[[Any], str] = str
    example: str = ""
    flag: str = ""


def _write_numbers(values: Mapping[str, float]) -> str:
    return ",".join(f"{name}={value:g}" for name, value in values.items())


def _write_ratios(values: Mapping[str, float]) -> str:
    return ",".join(f"{name}=1:{value:g}" for name, value in values.items())


def _option(default: Any, help: str, shape: Shape, *, factory: Any = MISSING, **more: Any) -> Any:
    metadata = {"option": Option(help, shape, **more)}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class SplitSpec:
    """How samples are divided into splits; the one list of fields for export, command line, manifest and datasheet.

    Attributes:
        splits: share or number of samples by split; ``None`` keeps the splits that samples have and draws the rest
            with ``DEFAULT_RATIOS``.
        seed: of the random draw; the same input and seed give the same splits.
        real_only: splits that hold no synthetic samples.
        stratify: bring classes, attributes and source into all splits alike, and remember what was drawn, so that
            adding data moves nothing; otherwise a split is a hash of seed and group and nothing else.
        folds: divide ``train`` (or all) into this many folds, ``fold1`` ...; 0 for none.
        stages: divide ``train`` into ``pretrain`` (synthetic) and ``finetune`` (real).
        redo: name of the one given split to redraw, out of itself and ``train``; all others stay.
        max_synthetic: the largest share of synthetic samples in any slice of any split; more are left out.
        at_least: the least number of samples of every slice in every split.
        mix: synthetic samples per real one by split, e.g. ``{"train": 3}``; more are left out.
        slice_by: attributes whose combinations are the slices.
        max_samples: the largest number of samples in all; each split keeps its share of it, drawn by the seed and
            stratified like the splits. What belongs together is kept or left out as a whole, so a few less may stay.

    >>> SplitSpec({"train": 0.8, "test": 0.2}, seed=3).names()
    ['train', 'test']
    """

    splits: Mapping[str, float] | None = _option(
        None,
        "shares or counts, e.g. train=.7,val=.15,test=.15",
        ({str: Real}, None),
        parse=parse_numbers,
        write=_write_numbers,
        example="SPLIT=SHARE,...",
    )
    seed: int = _option(0, "seed of the random draw (0)", int, parse=int, example="N")
    real_only: tuple[str, ...] = _option(
        ("test",),
        "splits without synthetic samples (test)",
        [str],
        parse=parse_names,
        write=",".join,
        example="SPLIT,...",
    )
    stratify: bool = _option(True, "splits by hash alone: not balanced, nothing remembered", bool, flag="by_hash")
    folds: int = _option(0, "divide train into this many folds", int, parse=int, example="K")
    stages: bool = _option(False, "train becomes pretrain (synthetic) and finetune (real)", bool)
    redo: str | None = _option(
        None, "redraw this one of the given splits; all others stay", (str, None), parse=str, example="SPLIT"
    )
    max_synthetic: float | None = _option(
        None, "largest share of synthetic samples per slice", (Real, None), parse=float, example="SHARE"
    )
    at_least: int = _option(0, "samples of every slice in every split", int, parse=int, example="K")
    mix: Mapping[str, float] = _option(
        None,
        "synthetic samples per real one, e.g. train=1:3",
        {str: Real},
        factory=dict,
        parse=parse_ratios,
        write=_write_ratios,
        example="SPLIT=1:N",
    )
    slice_by: tuple[str, ...] = _option(
        (LIGHTING, SURFACE),
        "attributes that make a slice (lighting,surface)",
        [str],
        parse=parse_names,
        write=",".join,
        example="A,B",
    )
    max_samples: int | None = _option(
        None, "largest number of samples in all, drawn by the seed", (int, None), parse=int, example="N"
    )

    @classmethod
    def of(cls, splits: Mapping[str, float] | SplitSpec | None) -> SplitSpec:
        """A specification as given, or one of shares or counts alone."""
        return splits if isinstance(splits, SplitSpec) else cls(dict(splits) if splits else None)

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> SplitSpec:
        """A specification of plain values by field, or of their text as on a command line.

        >>> SplitSpec.of_values({"seed": 3, "mix": "train=1:2", "real_only": []}).mix
        {'train': 2.0}

        Raises:
            InputError: no such field, a text that cannot be read, or a value of another type.
        """
        known = {name: (default, option) for name, default, option in options()}
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise InputError(f"Unknown split setting {repr(name)[:80]}.", fix=one_of(name, known))
            default, option = known[name]
            if isinstance(value, str) and option.parse not in (None, str):
                value = _parsed(name, value, option)
            given[name] = tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value
        spec = cls(**given)
        spec._check_shapes()
        return spec

    @property
    def keeps_given(self) -> bool:
        """Whether samples keep the splits that they have."""
        return self.splits is None and not self.folds

    @property
    def is_counts(self) -> bool:
        """Whether ``splits`` holds numbers of samples instead of shares."""
        given = (self.splits or {}).values()
        return any(share > 1 for share in given) and all(math.isfinite(n) and n == int(n) for n in given)

    @property
    def memory(self) -> str:
        """Key under which drawn splits are remembered: equal specifications continue from them."""
        drawn = [dict(self.splits or {}), self.seed, sorted(self.real_only), self.folds, self.redo]
        return sha256_text(canonical_json(drawn))[:16]

    def shares(self) -> dict[str, float]:
        """Share of every split, folds included; counts as shares of their sum.

        Raises:
            InputError: they cannot be used.
        """
        given = dict(DEFAULT_RATIOS)
        if not self.keeps_given:
            given = {"train": 1.0} if self.splits is None else dict(self.splits)
        _check_names(given)
        if self.is_counts:
            _check_counts(given)
            given = {name: count / sum(given.values()) for name, count in given.items()}
        else:
            _check_shares(given)
        if self.folds:
            given = _folded(given, self.folds)
        return given

    def names(self) -> list[str]:
        """The splits that are not empty, stages included."""
        names = [name for name, share in self.shares().items() if share > 0]
        return [part for name in names for part in (STAGES if self.stages and name == "train" else (name,))]

    def check(self) -> None:
        """Check all fields, before anything is read.

        Raises:
            InputError: one of them cannot be fulfilled with any data.
        """
        self._check_shapes()
        shares = self.shares()
        if self.folds and self.stages:
            raise InputError("Folds and stages cannot be combined: both divide train.", at="splits", fix="Choose one.")
        if self.redo is not None and not self.keeps_given:
            problem = "Only given splits can be redrawn, but new shares are set as well."
            raise InputError(problem, at="redo", fix="Leave out splits and folds.")
        if self.stages and "train" not in shares:
            problem = f"There is no split 'train' to divide into stages, only {', '.join(shares)}."
            raise InputError(problem, at="stages", fix=_EXAMPLE)
        if self.max_synthetic is not None and not 0 <= self.max_synthetic <= 1:
            fix = "Write for example .5 for at most half."
            raise InputError(f"max_synthetic must be a share from 0 to 1, not {self.max_synthetic}.", fix=fix)
        if self.at_least < 0:
            raise InputError(f"at_least must be 0 or more, not {self.at_least}.")
        for name, ratio in self.mix.items():
            self._check_mix(name, ratio)
        if self.max_samples is not None:
            self._check_most(self.max_samples)

    def _check_shapes(self) -> None:
        for name, _, option in options():
            if problem := fault(getattr(self, name), option.shape, name):
                raise InputError(f"The setting {problem}.", at="splits", fix=f"Meaning: {option.help}.")

    def _check_most(self, most: int) -> None:
        if most < 1:
            raise InputError(f"max_samples must be 1 or more, not {most}.", fix="Leave it out to keep all samples.")
        wanted = int(sum((self.splits or {}).values())) if self.is_counts else 0
        if wanted > most:
            problem = f"The splits ask for {wanted:,} samples, but max_samples allows {most:,}."
            raise InputError(problem, at="max_samples", fix="Leave it out, or give shares instead of numbers.")

    def _check_mix(self, name: str, ratio: float) -> None:
        if not math.isfinite(ratio) or ratio < 0:
            fix = "Write for example train=1:3 for three synthetic samples per real one."
            raise InputError(f"{name}={ratio} is not a number of synthetic samples per real one.", at="mix", fix=fix)
        if name in self.real_only and ratio > 0:
            fix = f"Leave {name} out of mix, or out of real_only."
            problem = f"{name}={ratio} asks for synthetic samples, but {name} holds real samples only."
            raise InputError(problem, at="mix", fix=fix)


def options() -> Iterator[tuple[str, Any, Option]]:
    """Name, default and option of every field of ``SplitSpec``."""
    plain = SplitSpec()
    for item in fields(SplitSpec):
        yield item.name, getattr(plain, item.name), item.metadata["option"]


def _parsed(name: str, text: str, option: Option) -> Any:
    assert option.parse is not None
    try:
        return option.parse(text)
    except ValueError as cause:
        problem = f"{repr(text)[:80]} does not have the form {option.example!r}."
        raise InputError(problem, at=name, fix=f"Meaning: {option.help}.") from cause


def command_line(values: Mapping[str, Any]) -> list[str]:
    """The options that differ from their defaults.

    >>> command_line({"seed": 3, "stratify": False, "splits": {"train": 1.0}})
    ['--splits train=1', '--seed 3', '--by-hash']
    """
    arguments = []
    for name, default, option in options():
        value = values.get(name, default)
        if value is None or (tuple(value) if isinstance(default, tuple) else value) == default:
            continue
        flag = f"--{(option.flag or name).replace('_', '-')}"
        arguments.append(flag if option.parse is None else f"{flag} {option.write(value)}")
    return arguments


def _check_names(given: Mapping[str, float]) -> None:
    for name in given:
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} is not a split name of letters, digits, - and _.", at="splits", fix=_EXAMPLE)


def _check_counts(given: Mapping[str, float]) -> None:
    for name, count in given.items():
        if count < 0:
            raise InputError(f"{name}={count:g} is not a number of samples.", at="splits", fix=_EXAMPLE)


def _check_shares(given: Mapping[str, float]) -> None:
    for name, share in given.items():
        if not (math.isfinite(share) and share >= 0):
            raise InputError(f"{name}={share} is not a share from 0 to 1.", at="splits", fix=_EXAMPLE)
    total = sum(given.values())
    if abs(total - 1) > _TOLERANCE:
        near = ", ".join(f"{name}={share / total:.3g}" for name, share in given.items()) if total else ""
        fix = f"The nearest is {near}." if near else _EXAMPLE
        fix = f"Shares and counts cannot be mixed. {_EXAMPLE}" if max(given.values(), default=0) > 1 else fix
        raise InputError(f"Shares add up to {total:.6g}, not to 1.", at="splits", fix=fix)


def _folded(given: Mapping[str, float], folds: int) -> dict[str, float]:
    if not 2 <= folds <= _MOST_FOLDS:
        raise InputError(f"folds must be from 2 to {_MOST_FOLDS}, not {folds}.", fix="Five is usual.")
    if "train" not in given:
        problem = f"There is no split 'train' to divide into folds, only {', '.join(given)}."
        raise InputError(problem, at="folds", fix=_EXAMPLE)
    rest = {name: share for name, share in given.items() if name != "train"}
    return {**{f"fold{at}": given["train"] / folds for at in range(1, folds + 1)}, **rest}

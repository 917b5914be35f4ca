"""The labelled objects of the donors, cut out when they are needed; found outlines are shared between workers."""

from __future__ import annotations

import hashlib
import io
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.base.errors import InputError, OutputError, one_of
from workbench.base.files import write_bytes
from workbench.base.plurals import counted, listed
from workbench.core.photos import Cutout, Donor, cut_out, outline_of, read_donor, unfit
from workbench.core.photos.grabcut import Mask, Rgb8
from workbench.core.pictures.pixels import rgb
from workbench.core.scenario import Scenario
from workbench.core.scenario.objects import LEAST_CONFIDENCE, AnyObject
from workbench.core.scenario.parameters import PARAMETERS

OBJECT = "paste.object"
MOST_OF_A_CLASS = 400  # objects that are tried of each class; more would cost time and add little
KEPT_BYTES = 256_000_000  # of cut-out objects, in each worker
TRIED = 60  # outlines that are looked at before the first frame


class Cutouts:
    """Objects that may be drawn, and those that have been cut out; one for each process.

    Args:
        donors: by id.
        named: name and class of each object that may be drawn.
        folder: where found outlines lie.
    """

    def __init__(self, donors: dict[str, Donor], named: Sequence[Sequence[str]], folder: Path) -> None:
        self.names = tuple(name for name, _ in named)
        self.classes = tuple(label for _, label in named)
        self._donors, self._folder = donors, folder
        self._kept: OrderedDict[str, Cutout] = OrderedDict()
        self._bytes = 0
        self._confidences: dict[str, float] = {}

    def confidence(self, name: str) -> float:
        """How sure the outline of an object is, from 0 to 1."""
        if name not in self._confidences:
            donor, index = self._at(name)
            label = donor.labels[index]
            given = label.mask is not None or bool(label.polygons)
            self._confidences[name] = 1.0 if given else self._outline(name)[1]
        return self._confidences[name]

    def cutout(self, name: str) -> Cutout:
        """An object, cut out.

        Raises:
            InputError: there is no such object, or its photo cannot be read.
        """
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        donor, index = self._at(name)
        mask, confidence = self._outline(name)
        made = cut_out(donor.labels[index], _pixels(donor), mask, confidence)
        self._kept[name] = made
        self._bytes += made.pixels.nbytes
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].pixels.nbytes
        return made

    def _at(self, name: str) -> tuple[Donor, int]:
        sample, _, index = name.rpartition("/")
        donor = self._donors.get(sample)
        if donor is None or not index.isdigit() or int(index) >= len(donor.labels):
            there = f"its sample has {counted(len(donor.labels), 'label')}" if donor else "its sample is no donor"
            raise InputError(f"There is no labelled object {name}: {there}.", at=OBJECT)
        return donor, int(index)

    def _outline(self, name: str) -> tuple[Mask, float]:
        donor, index = self._at(name)
        label = donor.labels[index]
        if label.mask is not None or label.polygons:
            return outline_of(label, np.zeros((1, 1, 3), np.uint8))
        file = self._folder / f"{name.replace('/', '-')}.npz"
        try:
            with np.load(file) as stored:
                shape = tuple(stored["shape"].tolist())
                mask = np.unpackbits(stored["bits"], count=shape[0] * shape[1]).reshape(shape).astype(np.bool_)
                return mask, float(stored["confidence"])
        except (OSError, ValueError, KeyError, EOFError):  # not there yet, or in part
            mask, confidence = outline_of(label, _pixels(donor))
        _keep(file, mask, confidence)
        return mask, confidence


def _keep(file: Path, mask: Mask, confidence: float) -> None:
    out = io.BytesIO()
    np.savez(out, bits=np.packbits(mask), shape=np.array(mask.shape), confidence=confidence)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, out.getvalue(), durable=False)
    except (OSError, OutputError):
        pass  # a full disk is told by the frames; here it only costs time


def _pixels(donor: Donor) -> Rgb8:
    return read_donor(str(donor.path), donor.content_sha256, rgb)


def choose(donors: Iterable[Donor]) -> tuple[list[list[str]], dict[str, int]]:
    """Name and class of the objects that may be drawn, and how many cannot be cut out, by reason."""
    by_class: dict[str, list[str]] = {}
    reasons: Counter[str] = Counter()
    for donor in donors:
        for index, reason in enumerate(unfit(donor.labels, donor.width, donor.height)):
            if reason is None:
                by_class.setdefault(donor.labels.names[index], []).append(f"{donor.id}/{index}")
            else:
                reasons[reason] += 1
    chosen = []
    for label, names in sorted(by_class.items()):
        names.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        chosen += [[name, label] for name in names[:MOST_OF_A_CLASS]]
    return chosen, dict(reasons)


def check(scenario: Scenario, cutouts: Cutouts, reasons: dict[str, int]) -> None:
    """Refuse a scenario of whose objects none can be cut out.

    Raises:
        InputError: there is no such object; the message says why.
    """
    drawn = scenario.draws[OBJECT]
    for name in drawn.possible(PARAMETERS[OBJECT]):
        cutouts.cutout(name)
    if not isinstance(drawn, AnyObject):
        return
    if not cutouts.names:
        fix = "Choose other donors: donors: {where: ...}, or load labels with outlines."
        raise InputError(f"No labelled object of the donors can be cut out{why_not(reasons)}.", at=OBJECT, fix=fix)
    missing = [name for name in drawn.wanted if name not in cutouts.classes]
    if missing:
        problem = f"No donor has an object of class {listed(missing, 5)} that can be cut out."
        raise InputError(problem, at=OBJECT, fix=one_of(missing[0], sorted(set(cutouts.classes))))
    _check_outlines(scenario, drawn, cutouts)


def _check_outlines(scenario: Scenario, drawn: AnyObject, cutouts: Cutouts) -> None:
    least = least_confidence(scenario)
    classes = drawn.wanted or tuple(dict.fromkeys(cutouts.classes))
    names = [name for name, label in zip(cutouts.names, cutouts.classes, strict=True) if label in classes]
    names.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
    surest = 0.0
    for name in names[:TRIED]:
        surest = max(surest, cutouts.confidence(name))
        if surest >= least:
            return
    tried = counted(min(len(names), TRIED), "labelled object")
    problem = f"No outline of {tried} is sure enough: {surest:.2f} at most, {LEAST_CONFIDENCE} is {least:g}."
    raise InputError(problem, at=OBJECT, fix=f"Load labels with outlines, or lower {LEAST_CONFIDENCE}.")


def least_confidence(scenario: Scenario) -> float:
    """The lowest confidence that outlines may have."""
    parameter = PARAMETERS[LEAST_CONFIDENCE]
    return float(min(scenario.draws[LEAST_CONFIDENCE].possible(parameter), default=parameter.low))


def why_not(reasons: dict[str, int]) -> str:
    """Why objects cannot be cut out, for the end of a sentence; empty when there are none."""
    texts = [f"{n:,} {reason}" for reason, n in sorted(reasons.items(), key=lambda item: -item[1])]
    return f": {', '.join(texts)}" if texts else ": they have no labels"


def notes(folder: Path, least: float, reasons: dict[str, Any]) -> list[str]:
    """What was not used, for people: objects that cannot be cut out, and those whose outline is not sure enough."""
    texts = []
    if reasons:
        texts.append(f"{counted(sum(reasons.values()), 'object')} cannot be cut out{why_not(reasons)}")
    tried = unsure = 0
    for file in folder.glob("*.npz"):
        try:
            with np.load(file) as stored:
                unsure += bool(float(stored["confidence"]) < least)
                tried += 1
        except (OSError, ValueError, KeyError, EOFError):
            continue
    if unsure:
        texts.append(f"{unsure:,} of {counted(tried, 'outline')} found in boxes not used: confidence below {least:g}")
    return texts

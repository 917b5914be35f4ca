"""The content ``pasted``: the user's own labelled objects on the user's own photos, labelled by what is seen."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.actions.generate.donors import Supply
from workbench.actions.generate.photo import Developed, Light, visible_of
from workbench.actions.generate.shot import Shot
from workbench.core.photos import Cutout, Ground, Placed, pasted, placed, visible
from workbench.core.scenario import Accept, ResolvedFrame
from workbench.core.scenario.randomness import rng_from_seed
from workbench.core.schema.label_json import labels_to_json
from workbench.core.schema.labels import Label, Labels
from workbench.core.sensor import Picture

GT_METHOD = (
    "outlines of the objects, moved with their pixels; labels of the photo, moved with it; without what is covered; "
    "they are sharp: before blur and noise"
)
OBJECT, FEATHER = "paste.object", "paste.feather_px"


@dataclass(frozen=True, eq=False)
class Pasted:
    """A draw of objects on a photo.

    Attributes:
        ground: the photo.
        cutouts: the objects, in the frame's order.
        pieces: where they lie, the hindmost first.
        labels: of what is seen: the photo's own, then the objects.
        covered: labels of the photo that are left out because too little of them is seen.
        hidden: objects without a label, for the same reason.
    """

    ground: Developed
    cutouts: Sequence[Cutout]
    pieces: Sequence[Placed]
    labels: Labels
    covered: int
    hidden: int

    @classmethod
    def of(cls, resolved: ResolvedFrame, refusals: Counter[str], supply: Supply) -> Pasted:
        """Put the objects that were drawn on the photo that was drawn."""
        ground = Developed.of(resolved, refusals, supply)
        return cls.on(ground, [supply.cutout(name) for name in resolved.values[OBJECT]])

    @classmethod
    def on(cls, ground: Developed, cutouts: Sequence[Cutout]) -> Pasted:
        """Put objects on a photo."""
        values, donor, move = ground.resolved.values, ground.donor, ground.move
        pieces = placed(cutouts, values, Ground(move, donor.width, donor.height, ground.labels))
        least = values["photo.least_visible"]
        own, objects = visible(pieces, ground.seen, (move.height, move.width))
        kept = [_of_photo(label, share, old[1]) for (label, share), old in zip(own, ground.seen, strict=True)
                if label is not None and share >= least]  # fmt: skip
        names = values[OBJECT]
        seen = [_of_object(label, share, name) for (label, share), name in zip(objects, names, strict=True)
                if label is not None and share >= least]  # fmt: skip
        return cls(ground, cutouts, pieces, Labels.of([*kept, *seen]), len(own) - len(kept), len(objects) - len(seen))

    @property
    def resolved(self) -> ResolvedFrame:
        """The constants."""
        return self.ground.resolved

    @property
    def refusals(self) -> Counter[str]:
        """Earlier draws of the same frame, by the predicate that refused them."""
        return self.ground.refusals

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.ground.size_px

    def refusal(self, accept: Accept) -> str | None:
        """The predicate that refuses the draw."""
        return accept.refusal([visible_of(label) for label in self.labels])

    def scaled(self, factor: float) -> Pasted:
        """The same draw at another resolution."""
        ground = self.ground.scaled(factor)
        if ground is self.ground:
            return self
        values = dict(ground.resolved.values)
        values[FEATHER] = [factor * feather for feather in values[FEATHER]]
        resolved = dataclasses.replace(ground.resolved, values=values)
        return self.on(dataclasses.replace(ground, resolved=resolved), self.cutouts)

    def shoot(self, backend: str) -> Shot:
        """Put the objects on the light of the photo, and develop it."""
        return self.ground.developed(self, self._with_objects, "pasted")

    def _with_objects(self, light: Light) -> Light:
        values = self.resolved.values
        seed = values["sensor.noise.seed"]
        return pasted(light, self.pieces, self.ground.labels, values, lambda i: rng_from_seed(seed, key=f"paste[{i}]"))

    def lineage(self) -> Mapping[str, Any]:
        """All donors, where each object lies, and what was left out."""
        lineage = dict(self.ground.lineage())
        names = self.resolved.values[OBJECT]
        donors = [lineage["donors"][0], *(_sample(name) for name in names), *lineage["donors"][1:]]
        return lineage | {
            "donors": list(dict.fromkeys(donors)),
            "gt_method": GT_METHOD,
            "labels_covered": self.covered,
            "objects_hidden": self.hidden,
            "pasted": [self._piece(piece) for piece in sorted(self.pieces, key=lambda piece: piece.index)],
        }

    def _piece(self, piece: Placed) -> dict[str, Any]:
        """An object, the confidence of its outline, and where its photo's points come to lie in the picture."""
        x, y = piece.cutout.corner
        matrix = piece.move.matrix @ np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
        return {
            "object": self.resolved.values[OBJECT][piece.index],
            "confidence": piece.cutout.confidence,
            "matrix": matrix.tolist(),
        }

    def files(self, picture: Picture) -> Mapping[str, bytes]:
        """None: all of it is in the document."""
        return {}

    def outcome(self) -> Mapping[str, Any]:
        """Size, labels, camera."""
        return {**self.ground.outcome(), "labels": labels_to_json(self.labels)}


def _of_photo(label: Label, share: float, before: float) -> Label:
    """A label of the photo: as it was, or with the share of it that is still seen."""
    return label if share == before else _with(label, visible_fraction=round(share, 4))


def _of_object(label: Label, share: float, name: str) -> Label:
    return _with(label, visible_fraction=round(share, 4), pasted=True, donor=_sample(name))


def _with(label: Label, **attributes: Any) -> Label:
    return dataclasses.replace(label, attributes={**label.attributes, **attributes})


def _sample(name: str) -> str:
    """The sample of an object."""
    return name.rpartition("/")[0]

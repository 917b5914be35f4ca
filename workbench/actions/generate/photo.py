"""The content ``photos``: the user's own photos, moved and developed anew, with their labels moved exactly."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.donors import Supply
from workbench.actions.generate.shot import CAMERA, Draft, Shot
from workbench.core.photos import (
    Donor,
    Move,
    Photo,
    Tone,
    move_of,
    moved_camera,
    moved_light,
    read_donor,
    read_photo,
    relit,
    seen_labels,
    toned,
)
from workbench.core.scenario import Accept, ResolvedFrame, noise_rng, sensor_settings
from workbench.core.schema.label_json import LABEL, labels_from_json, labels_to_json
from workbench.core.schema.labels import Camera, Label, Labels
from workbench.core.sensor import Picture, form_image, pixels

Light = NDArray[np.float32]
GT_METHOD = "labels of the donor, moved with its pixels; they are sharp: before blur and noise"
OUTCOME = {
    "width": int,
    "height": int,
    "labels": [LABEL],
    "classification": (str, None),
    "camera": (CAMERA, None),
}
IN_PIXELS = ("sensor.lens.blur_px", "sensor.motion.blur_px", "sensor.noise.grain_px")


@dataclass(frozen=True)
class Visible:
    """What predicates look at.

    Attributes:
        xyxy: box in the picture, pixels.
        visible_px: area of it.
        visible_fraction: share of the object that is in the picture, of what was in the photo.
    """

    xyxy: tuple[float, float, float, float]
    visible_px: int
    visible_fraction: float


@dataclass(frozen=True, eq=False)
class Developed:
    """A draw of a photo.

    Attributes:
        resolved: the constants.
        donor: the photo.
        move: where its points come to lie.
        seen: labels of the picture, each with the share of its object that is there.
        tone: that it is brought to, or ``None``.
        refusals: earlier draws of the same frame, by the predicate that refused them.
    """

    resolved: ResolvedFrame
    donor: Donor
    move: Move
    seen: tuple[tuple[Label, float], ...]
    tone: Tone | None
    refusals: Counter[str]

    @classmethod
    def of(cls, resolved: ResolvedFrame, refusals: Counter[str], supply: Supply) -> Developed:
        """Move the photo that was drawn."""
        partner = resolved.values["photo.tone.partner"]
        tone = None if partner is None else supply.tone(partner)
        return cls.from_donor(resolved, refusals, supply.donor(resolved.values["photo.donor"]), tone)

    @classmethod
    def from_donor(cls, resolved: ResolvedFrame, refusals: Counter[str], donor: Donor, tone: Tone | None) -> Developed:
        """Move a photo."""
        move = move_of(resolved.values, donor.width, donor.height)
        seen = seen_labels(donor.labels, move, resolved.values["photo.least_visible"])
        return cls(resolved, donor, move, tuple(seen), tone, refusals)

    @cached_property
    def labels(self) -> Labels:
        """Labels of the picture."""
        return Labels.of([label for label, _ in self.seen])

    @property
    def cut(self) -> int:
        """Labels left out because too little of their object is in the picture."""
        return len(self.donor.labels) - len(self.seen)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.move.width, self.move.height

    def refusal(self, accept: Accept) -> str | None:
        """The predicate that refuses the draw."""
        return accept.refusal([visible_of(label) for label in self.labels])

    def scaled(self, factor: float) -> Developed:
        """The same draw at another resolution."""
        if factor >= 1.0:
            return self
        values = dict(self.resolved.values)
        values["photo.max_side"] = max(16, round(max(self.size_px) * factor))
        for path in IN_PIXELS:
            values[path] *= factor
        return self.from_donor(dataclasses.replace(self.resolved, values=values), self.refusals, self.donor, self.tone)

    def shoot(self, backend: str) -> Shot:
        """Take the photo back to light, and develop it."""
        return self.developed(self, lambda light: light, "photos")

    def developed(self, draft: Draft, changed: Callable[[Light], Light], backend: str) -> Shot:
        """Take the photo back to light, change that, and develop it.

        Args:
            draft: what is shot.
            changed: the light of the moved photo, with what comes onto it.
            backend: name of what made the picture.
        """
        started_s = time.perf_counter()
        photo = _photo(str(self.donor.path), self.donor.content_sha256)
        light = changed(moved_light(photo.light, self.move))
        if self.tone is not None:
            light = toned(light, self.tone, self.resolved.values["photo.tone.strength"])
        light = relit(light, self.resolved.values)
        render_ms = (time.perf_counter() - started_s) * 1000.0
        settings = dataclasses.replace(sensor_settings(self.resolved), photons=False, grey=photo.grey)
        rng = noise_rng(self.resolved)
        if settings.jpeg_quality is None and photo.coding is not None:
            srgb = pixels(light, settings, rng=rng)
            picture = Picture(srgb, photo.coding.encode(srgb, grey=photo.grey), ".jpg")
        else:
            picture = form_image(light, settings, rng=rng)
        return Shot(draft, picture, backend, "1", render_ms)

    def lineage(self) -> Mapping[str, Any]:
        """The donor, and what was left out."""
        scenario = self.resolved.scenario
        partner = self.resolved.values["photo.tone.partner"]
        partners = [] if partner is None else [partner]
        posed = any(label.T_cam_obj is not None for label in self.donor.labels)
        still = any(label.T_cam_obj is not None for label in self.labels)
        return {
            "donors": list(dict.fromkeys([self.donor.id, *partners])),
            "donor_dataset": scenario.donors.dataset or scenario.anchor.dataset,
            "tone_partner": partner,
            **({} if partner is None else {"parent_sample_id": partner}),  # whose light it has is what it recreates
            "donor_sha256": {self.donor.id: self.donor.content_sha256},
            "gt_method": GT_METHOD,
            "labels_cut": self.cut,
            **({"poses_left_out": True} if posed and not still else {}),
        }

    def files(self, picture: Picture) -> Mapping[str, bytes]:
        """None: all of it is in the document."""
        return {}

    def outcome(self) -> Mapping[str, Any]:
        """Size, labels, camera."""
        camera = moved_camera(self.donor.camera, self.move)
        return {
            "width": self.move.width,
            "height": self.move.height,
            "labels": labels_to_json(self.labels),
            "classification": self.donor.classification,
            "camera": None if camera is None else camera.to_dict(),
        }


def read_back(outcome: Mapping[str, Any], paths: Mapping[str, Path]) -> dict[str, Any]:
    """The fields of the record of a finished frame."""
    camera = outcome["camera"]
    return {
        "width": outcome["width"],
        "height": outcome["height"],
        "labels": labels_from_json(outcome["labels"]),
        "classification": outcome["classification"],
        "camera": None if camera is None else Camera.from_dict(camera),
    }


@functools.lru_cache(maxsize=8)
def _photo(path: str, sha256: str | None) -> Photo:
    """A photo's light; the last few are kept, as probes develop one many times."""
    return read_donor(path, sha256, read_photo)


def visible_of(label: Label) -> Visible:
    """A label as predicates look at it."""
    left, top, right, bottom = label.xyxy
    area = int(label.mask.sum()) if label.mask is not None else round((right - left) * (bottom - top))
    share = label.attributes.get("visible_fraction", 1.0)
    return Visible(label.xyxy, max(area, 1), float(share) if isinstance(share, (int, float)) else 1.0)

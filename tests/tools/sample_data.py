"""The sample data: a stand-in for a camera and a clean simulation, made by the same means as any scenario."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.actions.generate.job import generate
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.base.files import home, whole_folder
from workbench.base.progress import Work
from workbench.core.scenario import Scenario
from workbench.core.schema.fields import ATTRIBUTES, SOURCES, SourceName
from workbench.core.schema.labels import Label, Record

BACKENDS: dict[SourceName, str] = {"real": "mitsuba", "synthetic": "open3d"}
FRAMES = 240
SPLITS = (("train", 0.5), ("val", 0.75), ("test", 1.0))  # of the real part, by upper end


@dataclass
class _Records:
    """A sink that keeps the records instead of storing them."""

    name: str
    records: dict[str, Record] = field(default_factory=dict)

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: key for key in keys if key in self.records}

    def add(self, records: Sequence[Record]) -> list[str]:
        self.records |= {str(record.source_key): record for record in records}
        return [str(record.source_key) for record in records]


def make_sample_data(
    folder: Path,
    *,
    n: int = FRAMES,
    sources: Sequence[SourceName] = SOURCES,
    workers: int | None = None,
    work: Work | None = None,
) -> dict[str, int]:
    """Make ``folder/real`` and ``folder/synthetic`` as COCO; frames made before are taken up again.

    Args:
        folder: where the two folders go; they must be new or empty.
        n: pictures in each.
        sources: which of the two to make.
        workers: worker processes.
        work: progress, and the switch to stop.

    Returns:
        Number of pictures by source.

    Raises:
        OutputError: a folder has files in it.
        MissingExtra: Mitsuba, for the real part, is not installed.
    """
    made: dict[str, int] = {}
    for source in sources:
        scenario = Scenario.load(Path(__file__).parent / "samples" / f"{source}.yaml")
        sink = _Records(source)
        work = home() / "sample_data" / f"{source}-{scenario.sha256[:8]}"
        generate(
            scenario,
            into=sink,
            n=n,
            backend=BACKENDS[source],
            workers=workers,
            folder=work,
            work=work,
        ).result()
        with whole_folder(folder / source) as target:
            _write(target, sorted(sink.records.values(), key=lambda record: record.origin), source)
        made[source] = len(sink.records)
    return made


def _write(target: Path, records: Sequence[Record], source: SourceName) -> None:
    writer = WRITERS["coco"]
    items = []
    for record in records:
        name = f"{source}_{record.medium.name}"
        shown = _as_camera(record) if source == "real" else _as_simulation(record)
        copy = target / writer.picture_path(str(shown.split), name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(record.medium, copy)
        items.append(NamedRecord(shown, name))
    writer.write(target, items)


def _as_camera(record: Record) -> Record:
    """What people would know of a photo: boxes, masks, and words for light and surface."""
    labels = tuple(
        dataclasses.replace(
            label, instance_id=None, attributes={k: v for k, v in label.attributes.items() if k == "surface"}
        )
        for label in map(_flat, record.labels)
    )
    attributes = {k: v for k, v in record.attributes.items() if k in ATTRIBUTES}
    split = _split(str(record.scene_id))
    return dataclasses.replace(
        record, labels=labels, attributes=attributes, split=split, camera=None, maps={}, generation={}, source_key=None
    )


def _as_simulation(record: Record) -> Record:
    labels = tuple(map(_flat, record.labels))
    return dataclasses.replace(record, labels=labels, split="train", maps={})


def _flat(label: Label) -> Label:
    """Without what only 3D knows: the sample data is of pictures."""
    attributes = {name: value for name, value in label.attributes.items() if name != "occlusion"}
    return dataclasses.replace(label, attributes=attributes, T_cam_obj=None, size_m=None, xyxy_loose=None)


def _split(scene_id: str) -> str:
    place = int(hashlib.sha256(scene_id.encode()).hexdigest()[:8], 16) / 2**32
    return next(name for name, end in SPLITS if place < end)

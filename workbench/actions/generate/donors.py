"""The donors of a scenario, from the database to the workers."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.actions.generate import cutouts
from workbench.actions.generate.cutouts import Cutouts
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.photos import Cutout, Donor, Tone
from workbench.core.photos.file import tone_of_file
from workbench.core.scenario import PARAMETERS, Scenario
from workbench.core.scenario.parameter import PHOTOS
from workbench.core.schema import fields
from workbench.core.schema.label_json import labels_from_json, labels_to_json
from workbench.core.schema.labels import Camera

if TYPE_CHECKING:
    from workbench.adapters.store import Stored


@dataclass(frozen=True)
class Supply:
    """The donors that frames may draw; workers read them from a file that they share.

    Attributes:
        ids: of the samples.
        file: where the donors lie; empty when there are none.
    """

    ids: tuple[str, ...] = ()
    file: str = ""

    def tone(self, sample_id: str) -> Tone:
        """The tone of a partner.

        Raises:
            InputError: it is not among the partners.
        """
        tones = _read(self.file).tones if self.file else {}
        if sample_id not in tones:
            raise InputError(f"The tone partner {sample_id} is not among those of this scenario.")
        return tones[sample_id]

    def donor(self, sample_id: str) -> Donor:
        """One donor.

        Raises:
            InputError: it is not among the donors.
        """
        donors = _read(self.file).donors if self.file else {}
        if sample_id not in donors:
            fix = "Generate from its scenario, or put the sample back."
            raise InputError(f"The donor {sample_id} is not among the donors of this scenario.", fix=fix)
        return donors[sample_id]

    @property
    def objects(self) -> Cutouts | None:
        """Labelled objects of the donors, for contents that cut some out."""
        return _read(self.file).cutouts if self.file else None

    def cutout(self, name: str) -> Cutout:
        """One object.

        Raises:
            InputError: it is not among those of the donors, or its photo cannot be read.
        """
        assert self.objects is not None, "content pasted has donors"
        return self.objects.cutout(name)

    def notes(self, scenario: Scenario) -> list[str]:
        """What a job could not use of the donors, for people."""
        if scenario.content != "pasted":
            return []
        return cutouts.notes(_outlines(self.file), cutouts.least_confidence(scenario), _read(self.file).unfit)


NO_SUPPLY = Supply()


def supply_for(
    scenario: Scenario, folder: Path, *, ids: Sequence[str] | None = None, partners: Sequence[str] | None = None
) -> Supply:
    """Read the donors that a scenario asks for, and write them where workers see them.

    Args:
        scenario: it says which.
        folder: to write into; made when it is new.
        ids, partners: these donors and tone partners instead of the scenario's.

    Raises:
        InputError: it names no dataset, or no sample of it can be a donor; the message says why.
        DatasetError, FilterError: no such dataset, or a wrong filter.
    """
    if scenario.content not in PHOTOS:
        return NO_SUPPLY
    donors, tones = _donors(scenario, ids, _partners(scenario) if partners is None else partners)
    document: dict[str, Any] = {
        "donors": [_document(donor) for donor in donors],
        "tones": {i: t.stops for i, t in tones.items()},
    }
    if scenario.content == "pasted":
        document["objects"], document["unfit"] = cutouts.choose(donors)
    data = json.dumps(document).encode()
    file = folder / f"donors-{hashlib.sha256(data).hexdigest()[:12]}.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(file, data)
    if scenario.content == "pasted":
        cutouts.check(scenario, _read(str(file)).cutouts, _read(str(file)).unfit)
    return Supply(tuple(donor.id for donor in donors), str(file))


def donor_ids(scenario: Scenario) -> list[str]:
    """The samples that may give pixels to a scenario; errors as ``supply_for``."""
    return [donor.id for donor in _donors(scenario, None, ())[0]]


def _partners(scenario: Scenario) -> list[str]:
    """Samples whose tone a scenario may take over."""
    parameter = PARAMETERS["photo.tone.partner"]
    return [str(i) for i in scenario.draws[parameter.path].possible(parameter) if i is not None]


def _donors(
    scenario: Scenario, ids: Sequence[str] | None, partners: Sequence[str]
) -> tuple[list[Donor], dict[str, Tone]]:
    from workbench.adapters import store  # deferred: brings FiftyOne, which workers must not load

    asked, name = scenario.donors, scenario.donors.dataset or scenario.anchor.dataset
    if not name:
        fix = "Write donors: {dataset: NAME}."
        raise InputError(f"Content {scenario.content} is made of your own samples; no dataset is named.", fix=fix)
    dataset = store.opened(name)
    table = store.table(dataset)
    if ids is not None or asked.ids:
        wanted = list(asked.ids if ids is None else ids)
    elif asked.where:
        wanted = table.ids[table.mask(store.asked(dataset, asked.where))].tolist()
    else:
        wanted = table.ids[table.columns[fields.SOURCE].mask_of(["real"])].tolist()
        wanted = [i for i in wanted if i not in set(scenario.anchor.sample_ids)]
    held_back = store.held_back(dataset)
    samples = list(store.read(dataset, wanted))
    usable = [stored for stored in samples if stored.id not in held_back]
    there = [stored for stored in usable if stored.record.image_path is not None and stored.record.image_path.exists()]
    labelled = [stored for stored in there if len(stored.record.labels) or stored.record.classification]
    if not there:
        in_test, gone = len(samples) - len(usable), len(usable) - len(there)
        why = [f"{in_test:,} of them belong to test"] * bool(in_test) + [f"{gone:,} have no image file"] * bool(gone)
        reasons = f": {', '.join(why)}" if why else ""
        problem = f"No sample can be a donor; {counted(len(wanted), 'sample')} of {name} selected{reasons}."
        raise InputError(problem, at="donors", fix="Select samples of train: donors: {where: ...}.")
    tones = {}
    for stored in store.read(dataset, list(partners)):
        if stored.id in held_back:
            fix = "Choose partners of train, or samples without a split."
            raise InputError(f"The tone partner {stored.id} belongs to test.", at="photo.tone.partner", fix=fix)
        tones[stored.id] = tone_of_file(stored.record.medium)
    return [_donor(stored) for stored in (there if ids is not None else labelled or there)], tones


def _donor(stored: Stored) -> Donor:
    record = stored.record
    assert record.image_path is not None
    return Donor(
        stored.id,
        record.image_path,
        record.width,
        record.height,
        record.labels,
        record.classification,
        stored.content_sha256,
        record.scene_id,
        record.camera,
    )


def _document(donor: Donor) -> dict[str, Any]:
    return {
        "id": donor.id,
        "path": str(donor.path),
        "width": donor.width,
        "height": donor.height,
        "labels": labels_to_json(donor.labels),
        "classification": donor.classification,
        "content_sha256": donor.content_sha256,
        "scene_id": donor.scene_id,
        "camera": None if donor.camera is None else donor.camera.to_dict(),
    }


@functools.lru_cache(maxsize=4)
def _read(file: str) -> _Stock:
    donors, content = {}, json.loads(Path(file).read_text())
    for document in content["donors"]:
        camera = document.pop("camera")
        values = {**document, "path": Path(document["path"]), "labels": labels_from_json(document["labels"])}
        donors[document["id"]] = Donor(**values, camera=None if camera is None else Camera.from_dict(camera))
    tones = {i: Tone(tuple(stops)) for i, stops in content["tones"].items()}
    objects = cutouts.Cutouts(donors, content.get("objects", []), _outlines(file))
    return _Stock(donors, tones, objects, content.get("unfit", {}))


def _outlines(file: str) -> Path:
    """Where the outlines lie that were found in boxes of these donors."""
    return Path(file).with_suffix("")


@dataclass(frozen=True, eq=False)
class _Stock:
    """Content of a file of donors: by id, tones by id, objects, and how many cannot be cut out, by reason."""

    donors: dict[str, Donor]
    tones: dict[str, Tone]
    cutouts: Cutouts
    unfit: dict[str, int]

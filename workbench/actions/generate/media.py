"""Frames on disk: image, instance map, depth map and, last, the resolved frame that says all are whole.

::

    images/000042.jpg  instances/000042.png  depth/000042.png  frames/000042.scenario.json

and on request ``semantic/000042.png  normals/000042.png  clouds/000042.pcd``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.actions.generate.contents import CONTENTS
from workbench.actions.generate.record import RECORD, scene_id, source_key
from workbench.actions.generate.rendered import REQUESTS
from workbench.actions.generate.shot import Shot
from workbench.base.errors import OutputError
from workbench.base.files import json_bytes, refused, write_bytes
from workbench.base.shapes import fault
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Record

MEDIA = {"images": "jpg", "instances": "png", "depth": "png", "frames": "scenario.json"}
ON_REQUEST = {"semantic": "png", "normals": "png", "clouds": "pcd"}
_COMMIT = {
    "name": str,
    "seed": int,
    "content?": str,
    "annotators?": [str],
    "outcome": {
        "generation": {**RECORD, "parent_sample_ids": [str], "parent_tags": [str]},
        "image_suffix?": str,
    },
}


def default_folder(dataset_name: str, scenario: Scenario, backend: str) -> Path:
    """Where the media of a scenario go when nobody says: below ``$WORKBENCH_HOME`` or ``~/.workbench``."""
    home = Path(os.environ.get("WORKBENCH_HOME") or Path.home() / ".workbench")
    renderer = "" if backend == "open3d" else f"-{backend}"
    folder = f"{_safe(scenario.name)}-{scenario.sha256[:8]}-s{scenario.seed}{renderer}"
    return home / "generated" / _safe(dataset_name) / folder


def path_of(folder: Path, kind: str, frame: int) -> Path:
    """Path of one file of a frame.

    >>> path_of(Path("out"), "depth", 42).as_posix()
    'out/depth/000042.png'
    """
    return folder / kind / f"{frame:06d}.{(MEDIA | ON_REQUEST)[kind]}"


def prepare(folder: Path, content: str, annotators: Sequence[str] = ()) -> None:
    """Make the folders, also those of what is asked for.

    Raises:
        OutputError: the place refuses.
    """
    try:
        for kind in ("images", "frames", *kinds(content, annotators)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(folder, cause) from cause


def write_frame(folder: Path, shot: Shot, generation: Mapping[str, Any]) -> None:
    """Write a frame, each file whole, the resolved frame last; see ``files.sync``."""
    resolved, picture = shot.accepted.resolved, shot.picture
    frame = resolved.mark.frame
    _write(path_of(folder, "images", frame).with_suffix(picture.suffix), picture.data)
    for kind, data in shot.accepted.files(picture).items():
        _write(path_of(folder, kind, frame), data)
    outcome = {"generation": generation, "image_suffix": picture.suffix, **shot.accepted.outcome()}
    _write(path_of(folder, "frames", frame), json_bytes(resolved.document() | {"outcome": outcome}))


def _write(path: Path, data: bytes) -> None:
    """Write one file; the job waits for the disk, once for many frames."""
    write_bytes(path, data, durable=False)


def is_finished(folder: Path, scenario: Scenario, frame: int, backend: str) -> bool:
    """Whether the folder holds this frame, whole.

    Raises:
        OutputError: it holds that frame of another scenario, seed or backend.
    """
    path = path_of(folder, "frames", frame)
    if not path.exists():
        return False
    generation = _read_commit(path)["outcome"]["generation"]
    identity = (generation["scenario_sha256"], generation["seed"], generation["backend"])
    if identity != (scenario.sha256, scenario.seed, backend):
        text = f"frame {frame} of {generation['scenario_name']}, seed {identity[1]}, {identity[2]}"
        problem = f"The folder holds frames of another scenario, seed or renderer: {text}."
        raise OutputError(problem, at=str(folder), fix="Choose another folder.")
    return True


def read_record(folder: Path, frame: int) -> Record:
    """The record of a finished frame, from its files alone."""
    document = _read_commit(path_of(folder, "frames", frame))
    outcome, generation = document["outcome"], document["outcome"]["generation"]
    image = path_of(folder, "images", frame).with_suffix(outcome.get("image_suffix", ".jpg"))
    content = document.get("content", "rendered")
    paths = {kind: path_of(folder, kind, frame).resolve() for kind in kinds(content, document.get("annotators") or ())}
    return Record(
        image_path=image.resolve(),
        origin=f"{folder.name}/images/{image.name}",
        scene_id=scene_id(document["name"], document["seed"], frame),
        generation=generation,
        source_key=source_key(generation["scenario_sha256"], generation["seed"], frame, generation["backend"]),
        **CONTENTS[content].read_back(outcome, paths),
    )


def kinds(content: str, annotators: Sequence[str]) -> list[str]:
    """Folders of the files that a frame has beside its image and its document."""
    always = CONTENTS[content].kinds
    return [*always, *(REQUESTS[name] for name in annotators if name in REQUESTS)] if always else []


def _read_commit(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        problem = fault(document, _COMMIT)
        if problem is None:
            content = CONTENTS.get(document.get("content", "rendered"))
            problem = fault(document["outcome"], content.outcome, "outcome") if content else "content is not known"
    except (OSError, ValueError, RecursionError) as cause:
        problem = repr(cause)[:100]
    if problem:
        fix = "Delete that file, so that the frame is drawn again."
        raise OutputError(f"The frame's file is damaged ({problem}).", at=str(path), fix=fix)
    return document


def _safe(name: str) -> str:
    """A name that is one folder on every system."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".")[:80] or "unnamed"

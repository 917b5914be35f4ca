"""The record of how a generated sample came to be; enough to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from workbench.actions.generate.shot import Shot
from workbench.base.errors import InputError
from workbench.base.files import sha256_text
from workbench.base.shapes import PLAIN, fault
from workbench.core.scenario import Mark, ResolvedFrame, Scenario, sensor_settings

RECORD = {  # what is needed to make a frame again
    "backend": str, "backend_version": str, "scenario_name": str, "scenario_sha256": str, "seed": int, "frame": int,
    "attempt": int, "params": {str: PLAIN}, "assets?": {str: str}, "content?": str, "donors?": [str],
    "donor_dataset?": str,
}  # fmt: skip
GENERATOR = "physical-ai-workbench"


def lineage(shot: Shot) -> dict[str, Any]:
    """The generation document of a finished frame: names, versions, draw, constants, assets, parents, timing."""
    resolved, anchor = shot.accepted.resolved, shot.accepted.resolved.scenario.anchor
    mark = resolved.mark
    return {
        "generator": GENERATOR,
        "generator_version": generator_version(),
        "backend": shot.backend,
        "backend_version": shot.backend_version,
        "scenario_name": resolved.scenario.name,
        "scenario_sha256": mark.scenario_sha256,
        "seed": resolved.scenario.seed,
        "frame": mark.frame,
        "attempt": mark.attempt,
        "refusals": dict(shot.accepted.refusals),
        "params": resolved.params(),
        "content": resolved.scenario.content,
        "parent_sample_id": anchor.parent(mark.frame),
        "parent_sample_ids": list(anchor.sample_ids),
        "parent_dataset": anchor.dataset,
        "parent_tags": list(anchor.tags),
        "anchor_mode": dict(resolved.scenario.modes),
        **shot.accepted.lineage(),
        "sensor_chain": sensor_settings(resolved).record(),
        "render_ms": round(shot.render_ms, 2),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def resolved_frame(generation: Mapping[str, Any]) -> ResolvedFrame:
    """The draw that a generation document records, from that document alone.

    Raises:
        InputError: the document is not one of ``lineage``, or not whole.
        ScenarioError: it has a parameter or a value that this version does not know.
    """
    if problem := fault(generation, RECORD):
        fix = "Take a sample whose record is as the workbench wrote it."
        raise InputError(f"The record of how the sample was made is not whole: {problem}.", at="generation", fix=fix)
    mark = Mark(generation["scenario_sha256"], generation["frame"], generation["attempt"])
    return Scenario.of_constants(
        generation["params"],
        name=generation["scenario_name"],
        seed=generation["seed"],
        mark=mark,
        content=generation.get("content", "rendered"),
    ).resolve(mark.frame)


def source_key(scenario_sha256: str, seed: int, frame: int, backend: str) -> str:
    """Stable id of a frame: generating it again changes nothing in a dataset."""
    return sha256_text(f"{scenario_sha256}|{seed}|{frame}|{backend}")


def scene_id(name: str, seed: int, frame: int) -> str:
    """What belongs together: frames of the same salt and number, whatever the ranges and the backend."""
    return f"{name}/s{seed}/{frame:06d}"


@cache
def generator_version() -> str:
    """Version of this package; ``source`` where it runs from a checkout that is not installed."""
    try:
        return version(GENERATOR)
    except PackageNotFoundError:
        return "source"

"""The generator: preview a scenario and generate samples from it; recreate a failure as a scenario."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from workbench.actions.generate import Job
from workbench.actions.generate import generate as generate_samples
from workbench.actions.generate import preview as preview_scenario
from workbench.adapters.render import BACKENDS
from workbench.base.errors import Cancelled, InputError, one_of
from workbench.base.files import sha256_text, write_bytes
from workbench.base.plurals import counted
from workbench.base.progress import Cancel, Work
from workbench.core.scenario import CONTENTS, Scenario, preset_names
from workbench.ui.board.code_line import DS, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Panel, Reply
from workbench.ui.board.panels.sections import recreation
from workbench.ui.board.state import Selection

PREVIEW_FRAMES = 4


def options(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """What the forms offer."""
    backends = [name for name in BACKENDS if name != "flat"]
    return {"presets": sorted(preset_names()), "backends": backends, "contents": list(CONTENTS.items())}


def scenario(state: Selection, jobs: Jobs, name: str) -> str:
    """A scenario as YAML, to read and to change."""
    return Scenario.load(name).dump()


def preview(
    state: Selection, jobs: Jobs, cancel: Cancel, scenario: str, seed: int, text: str = "", first: int = 0
) -> Reply:
    """Four frames of a scenario, small, with their boxes."""
    drawn = recreation.load_scenario(scenario, text).replace(seed=seed)
    pictures = preview_scenario(drawn, PREVIEW_FRAMES, first_frame=max(0, first))
    return Reply(len(pictures), [_jpeg(picture) for picture in pictures])


def _jpeg(rgb: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=88)
    return out.getvalue()


def generate(
    state: Selection,
    jobs: Jobs,
    scenario: str,
    n: int,
    seed: int,
    text: str = "",
    backend: str = "open3d",
    workers: int | None = None,
) -> int:
    """Start to generate samples; an edited scenario is saved beside the notebook first. Returns the job's number."""
    loaded = recreation.load_scenario(scenario, text)
    if n < 1:
        raise InputError(f"The number of samples must be at least 1, not {n}.")
    if backend not in BACKENDS:
        raise InputError(f"Unknown renderer {repr(backend)[:80]}.", fix=one_of(backend, BACKENDS))
    given: dict[str, Any] = {"n": n, "seed": seed, "backend": backend}
    given["workers"] = None if workers is None else max(1, workers)

    def run(work: Work) -> Done:
        return _finish(generate_samples(loaded, into=state.dataset, **given, work=work))

    source = _saved(state, loaded, text) if text else scenario
    state.note_code(f"{call(generate_samples, source, into=DS, **given)}.result()")
    return jobs.start(f"Generate {n} of {loaded.name}", run, kind="generate")


def _finish(job: Job) -> Done:
    """Wait for the end; a cancelled job says how many frames it has kept."""
    try:
        return Done(f"{job.result()}.")
    except Cancelled as stop:
        fix = f"{counted(job.so_far.generated, 'frame')} kept; the same again completes it."
        raise Cancelled(stop.problem, fix=fix) from stop


def _saved(state: Selection, scenario: Scenario, text: str) -> str:
    """Path of an edited scenario; its name says its content, so that old lines of code keep their meaning."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in scenario.name)[:60]
    path = state.output_folder / "scenarios" / f"{safe}-{sha256_text(text)[:8]}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode())
    return str(path)


COMMANDS = {
    "scenario": Command(scenario),
    "preview": Command(preview, background=True),
    "generate": Command(generate),
    **recreation.COMMANDS,
}
PANEL = Panel("Generate", "generator.js", COMMANDS, options, order=70)

"""Recreate: from tagged samples to a scenario that makes more of what they have in common."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.actions.recreate import pasted, photos, plates, rendered
from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.categories import LIBRARY_PARTS
from workbench.actions.recreate.fitting import Fitted, fitted, pictures_of
from workbench.actions.recreate.report import Row, measures_text
from workbench.actions.recreate.samples import Samples, samples_of
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError, one_of
from workbench.base.parts import scratch_folder
from workbench.base.plurals import counted, listed
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.assets import target_class
from workbench.core.scenario import CONTENTS, Scenario
from workbench.core.scenario.shorthands import own_meshes
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter, SetColumn

Meshes = str | Path | Mapping[str, str | Path | Sequence[str | Path]]
GOOD_AUC = 0.65  # below it no other content is tried
CLEARLY = 0.1  # difference of the AUC of some ten photos that is more than chance
LEAST_SHARE = 0.2  # of the time, that must be left for another content to be tried
FIRST_SHARE = 0.4  # of the time that is left, for a content that others follow


@dataclass
class Recreation:
    """A scenario made from samples.

    Attributes:
        scenario: to look at, change, save and generate.
        parameters: where each distribution comes from.
        samples: how many samples it was made from.
        synthetic: how many of these are synthetic.
        probes: how many trial pictures were made.
        gap_before, gap_after: mean distance per measure between these samples and images of the plain, wide scenario
            or of this one, in standard deviations of the samples; ``None`` without a fit.
        content: what the pictures are made of.
        aucs: by content that was tried, how well a classifier tells its pictures from samples that were kept back;
            0.5 is chance.
        refused: by content that cannot show these samples, why.
        problems: labels that could not be used.
        notes: what to know before the scenario is generated.
    """

    scenario: Scenario
    parameters: list[Row] = field(default_factory=list)
    samples: int = 0
    synthetic: int = 0
    probes: int = 0
    gap_before: float | None = None
    gap_after: float | None = None
    content: str = "rendered"
    aucs: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        def line(row: Row) -> str:
            return f"  {row.mode:<6} {row.path:<34} {row.confidence:<7} {row.why}"

        lines = [f"{self.scenario.name}: from {counted(self.samples, 'sample')}"]
        if self.gap_before is not None and self.gap_after is not None:
            lines[0] += f"; pictures were {self.gap_before:.2f} standard deviations from the photos before the fit"
            lines[0] += f", {self.gap_after:.2f} after ({counted(self.probes, 'trial picture')})"
            if self.gap_after >= self.gap_before:
                lines[0] += "; the fit brought them no nearer: give it more seconds, or more samples"
        lines += [f"  {line}" for line in self.explained()]
        if self.synthetic:
            which = "it is" if self.samples == 1 else f"{self.synthetic:,} of them are"
            lines.append(f"  {which} synthetic: what they share may come from the generator, not from the camera")
        said = [*map(str, self.problems), *self.notes]
        return "\n".join([*lines, *map(line, self.parameters), *(f"  {text}" for text in said)])

    def explained(self) -> list[str]:
        """Which content was chosen and why, in sentences."""
        lines = [f"content: {self.content} ({CONTENTS[self.content]}){self._judged()}"]
        return lines + [f"not {content}: {why}" for content, why in self.refused.items()]

    def _judged(self) -> str:
        texts = [f"{content} {auc:.2f}" for content, auc in self.aucs.items()]
        return f"; told from photos kept back with AUC {', '.join(texts)} (0.5 is chance)" if texts else ""


def recreate(
    dataset: Dataset | str,
    where: str | Filter | None = None,
    *,
    ids: Sequence[str] | None = None,
    name: str | None = None,
    content: str | None = None,
    meshes: Meshes | None = None,
    spare_test: bool = True,
    probes: bool = True,
    seconds: float = 90.0,
    backend: str = "open3d",
    work: Work | None = None,
) -> Recreation:
    """Make a scenario of what samples have in common against the other real ones.

    What sets them apart (exposure, contrast, noise, blur, colour; surface words; classes) is drawn around the
    measured values; what they share with all real images, as in all of them and wider; everything else varies
    widely. Trial pictures are measured like the photos, and the distributions moved until they agree.
    Few samples give wide distributions. What the pictures are made of is tried out: the content whose pictures are
    hardest to tell from samples that were kept back.

    Args:
        dataset: a measured dataset.
        where: the samples, e.g. ``"'failure:dim_metal' in tags"``.
        ids: or their ids.
        name: of the scenario; by default the failure tag that they share.
        content: what to make pictures of; by default what fits best of ``photos``, ``pasted`` and ``rendered``.
            ``plates``, rendered parts in your own photos, is for when it is asked for.
        meshes: what to render instead of the built-in parts: a folder of mesh files, named or sorted by class, or a
            table from class to mesh file, or files; a path that ends with ``#mm`` is in millimetres.
        spare_test: leave out samples of test, given or drawn by an export, if there are others: what a scenario is
            fitted to cannot evaluate a round any more.
        probes: whether to refine with trial pictures; without, only surfaces and classes are taken over.
        seconds: time limit of the fit; slow renderers make fewer trial pictures.
        backend: what draws rendered ones.
        work: receives the progress; its ``cancel`` stops between two images; nothing is changed.

    Raises:
        InputError: no samples, none of them measured, or no content can show their classes.
        FilterError: the filter is wrong.
        Cancelled: the user stopped.
    """
    if content is not None and content not in CONTENTS:
        raise InputError(f"Unknown content {repr(content)[:80]}.", at="recreate", fix=one_of(str(content), CONTENTS))
    started_s = time.monotonic()
    samples = samples_of(opened(dataset), where, ids, spare_test=spare_test)
    label = name or (samples.tags[0].removeprefix(fields.FAILURE_PREFIX) if samples.tags else "recreated")
    with scratch_folder() as folder:
        candidates, refused = _candidates(samples, label, content, folder, _parts(meshes))
        if probes:
            left_s = seconds - (time.monotonic() - started_s)
            tried = _tried(candidates, samples, left_s, backend, work, refused)
        else:
            tried = [_unfitted(_most_said(candidates), samples)]
    best = _best(tried)
    synthetic = samples.table.columns[fields.SOURCE].mask_of(["synthetic"]) & samples.rows
    return Recreation(
        best.scenario,
        best.rows,
        int(samples.rows.sum()),
        int(synthetic.sum()),
        best.probes,
        best.before,
        best.after,
        best.content,
        {each.content: each.auc for each in tried if each.auc is not None},
        refused,
        store.odd_label_problems(samples.dataset, ids=samples.ids),
        _notes(samples, best.content),
    )


def _notes(samples: Samples, content: str) -> list[str]:
    notes = []
    if samples.spared:
        notes.append(f"Left out of the fit, as they belong to test: {counted(samples.spared, 'sample')}.")
    if samples.all_of_test:
        which = "The only sample belongs" if len(samples.ids) == 1 else f"All {len(samples.ids):,} samples belong"
        notes.append(
            f"{which} to test: fitted to, no round is judged by them any more. "
            "Tag samples of train or val as well to keep them for that."
        )
    if content != "rendered" and not store.has_splits(samples.dataset):
        notes.append(
            f"{samples.dataset.name} has no splits yet, so any of its photos may give pixels. Export once with splits "
            "before you generate: an export leaves out what was made of photos that it draws into different splits."
        )
    return notes


def _parts(meshes: Meshes | None) -> Mapping[str, Sequence[str]]:
    """Meshes by class, as words of scenarios."""
    if meshes is None:
        return LIBRARY_PARTS
    try:
        words = own_meshes(meshes)
    except ValueError as cause:
        raise InputError(str(cause), at="meshes") from cause
    parts: dict[str, list[str]] = {}
    for word in words:
        parts.setdefault(target_class(word), []).append(word)
    return parts


def _candidates(
    samples: Samples, name: str, content: str | None, folder: Path, parts: Mapping[str, Sequence[str]]
) -> tuple[list[Candidate], dict[str, str]]:
    """The contents that can show the samples, and why others cannot.

    The quickest comes first. Pasted objects come before all where objects set the samples apart, else last.
    """
    count = counted(int(samples.rows.sum()), "sample")
    about = f"What {count} of {samples.dataset.name} have in common; everything else varies widely."
    candidates: list[Candidate] = []
    refused: dict[str, str] = {}
    if content in (None, "photos"):
        try:
            candidates.append(photos.candidate(samples, name, about, folder))
        except InputError as error:
            refused["photos"] = error.problem
    if content in (None, "rendered", "plates"):
        foreign = _foreign(samples, parts)
        if foreign:
            verb, place = "is" if len(foreign) == 1 else "are", "in the asset library"
            where = place if parts is LIBRARY_PARTS else f"among the meshes, which are of {listed(list(parts), 5)}"
            refused[content or "rendered"] = f"{listed(foreign, 5)} {verb} not {where}."
        elif content == "plates":
            candidates.append(plates.candidate(samples, name, about, folder, parts))
        else:
            candidates.append(rendered.candidate(samples, name, about, parts))
    if content in (None, "pasted"):
        try:
            of_objects = pasted.candidate(samples, name, about, folder)
            candidates.insert(0 if pasted.is_rich(samples) else len(candidates), of_objects)
        except InputError as error:
            refused["pasted"] = error.problem
    if not candidates:
        raise _no_content(samples, refused)
    return candidates, refused


def _most_said(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate of which most can be said without trial pictures."""
    if candidates[0].content == "pasted":
        return candidates[0]
    return [each for each in candidates if each.content != "pasted"][-1]


def _foreign(samples: Samples, parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Classes of the samples when there is a mesh of none of them; pictures of others would teach what is not there."""
    column = samples.table.columns["class"]
    assert isinstance(column, SetColumn)
    shown = list(column.counts(samples.rows)) or list(column.counts(samples.others))
    return [] if not shown or set(shown) & set(parts) else sorted(shown)


def _no_content(samples: Samples, refused: Mapping[str, str]) -> InputError:
    labelled = int((samples.others & ~samples.rows).sum())
    own = [content for content in ("photos", "pasted") if content not in refused]
    ways = [f"use content: {' or '.join(own)} ({counted(labelled, 'sample')} can give pixels)"] if own else []
    ways += (
        ["give meshes of your classes: meshes={class: file}, in a scenario assets.targets.from"]
        if {"rendered", "plates"} & set(refused)
        else []
    )
    ways += ["load photos that do not fail"] if "photos" in refused else []
    fix = f"{' or '.join(ways)}."
    return InputError(" ".join(dict.fromkeys(refused.values())), at=samples.dataset.name, fix=fix[0].upper() + fix[1:])


def _tried(
    candidates: Sequence[Candidate],
    samples: Samples,
    seconds: float,
    backend: str,
    work: Work | None,
    refused: dict[str, str],
) -> list[Fitted]:
    """Fits of the contents, as far as the time goes, until one is good; ``refused`` is told which had no time."""
    total = sum(map(pictures_of, candidates))
    tried: list[Fitted] = []
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(
            Progress(f"fitting {candidates[0].scenario.name}", total=total, unit="picture", work=work, limit_s=seconds)
        )
        pool = stack.enter_context(WorkerProcesses(2))
        started_s = time.monotonic()
        for i, candidate in enumerate(candidates):
            left_s = max(0.0, seconds - (time.monotonic() - started_s))
            others_follow = any(each.content != "pasted" for each in candidates[i + 1 :])
            own_s = FIRST_SHARE * left_s if others_follow else left_s
            given = {"seconds": own_s, "backend": backend, "progress": progress, "needed": not tried}
            enough = not tried or left_s >= LEAST_SHARE * seconds
            found = fitted(candidate, samples, pool, **given) if enough else None  # type: ignore[arg-type]
            if found is None:
                refused[candidate.content] = "the time was too short to try it; allow more seconds."
                continue
            tried.append(found)
            auc = tried[-1].auc
            if auc is not None and auc <= GOOD_AUC:
                break
        progress.total = progress.done
    return tried


def _best(tried: Sequence[Fitted]) -> Fitted:
    """The one that is hardest to tell from photos kept back.

    Pasted objects that were tried last must be clearly better: the samples have no more objects than others, so that
    more of them would only change what is shown.
    """

    def told(each: Fitted) -> float:
        auc = 1.0 if each.auc is None else each.auc
        return auc + CLEARLY if each.content == "pasted" and each is not tried[0] else auc

    return min(tried, key=told)


def _unfitted(candidate: Candidate, samples: Samples) -> Fitted:
    rows = [
        Row(knob.path, "free", None, "unknown", f"not fitted: {measures_text(knob, samples.facts)}")
        for knob in candidate.knobs
    ]
    return Fitted(candidate.content, candidate.scenario, [*candidate.rows, *rows])

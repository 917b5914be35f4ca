"""The scenario: what to generate, with a distribution for every parameter, and one draw of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from workbench.base.errors import ScenarioError, one_of
from workbench.base.files import canonical_json, sha256_text, write_bytes
from workbench.base.shapes import fault, is_text
from workbench.core.scenario import document as texts
from workbench.core.scenario.accept import Accept, parse_accept
from workbench.core.scenario.anchor import NO_ANCHOR, Anchor, parse_anchor
from workbench.core.scenario.annotators import parse_annotators
from workbench.core.scenario.distribution import Distribution, Objects
from workbench.core.scenario.distributions import Constant, Each
from workbench.core.scenario.donors import NO_DONORS, Donors, parse_donors
from workbench.core.scenario.draw import draw_frame
from workbench.core.scenario.parameter import CONTENTS, PHOTOS
from workbench.core.scenario.parameters import PARAMETERS, SECTIONS, default_of, parameters_of

VERSION = 1
MODES = ("pin", "jitter", "free")
UNITS = {"length": "metre", "angle": "degree"}
TOP = (
    "scenario",
    "name",
    "seed",
    "frames",
    "description",
    "units",
    "anchor",
    "content",
    "donors",
    *SECTIONS,
    "modes",
    "accept",
    "annotators",
)
RESOLVED = ("resolved", "outcome")  # what only resolved frames hold


@dataclass(frozen=True)
class Mark:
    """Which draw a resolved frame is.

    Attributes:
        scenario_sha256: identity of the scenario it was drawn from.
        frame, attempt: numbers of the draw.
    """

    scenario_sha256: str
    frame: int
    attempt: int


@dataclass(frozen=True)
class Scenario:
    """What to generate.

    Attributes:
        name: with the seed it salts all randomness, so editing one range keeps all other draws.
        given: distribution by parameter path, for the parameters in the document; all others have their default.
        seed: of the draws.
        frames: how many to generate by default.
        description: one line for people.
        anchor: the sample that the scenario recreates.
        modes: ``pin``, ``jitter`` or ``free`` by parameter path, for the lineage.
        accept: conditions that the ground truth of a frame must meet.
        annotators: products on request, besides those that every frame has.
        content: what the pictures are made of, one of ``CONTENTS``.
        donors: the samples whose pixels they are made of, for contents that need some.
        mark: set in a resolved frame, whose values are all constants.
    """

    name: str
    given: Mapping[str, Distribution] = field(default_factory=dict)
    seed: int = 0
    frames: int = 100
    description: str = ""
    anchor: Anchor = NO_ANCHOR
    modes: Mapping[str, str] = field(default_factory=dict)
    accept: Accept = field(default_factory=Accept)
    annotators: tuple[str, ...] = ()
    content: str = "rendered"
    donors: Donors = NO_DONORS
    mark: Mark | None = None

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | Scenario) -> Scenario:
        """A scenario from a YAML or JSON file, the name of a preset, or a document as a dictionary.

        Raises:
            InputError: no such file or preset.
            ScenarioError: the document is wrong; the message names the path in it.
        """
        if isinstance(source, Scenario):
            return source
        if isinstance(source, Mapping):
            return _parse(source)
        try:
            return _parse(texts.read_document(source))
        except ScenarioError as error:
            name = Path(source).name
            at = name if error.at in ("", name) else f"{name}, {error.at}"
            raise ScenarioError(error.problem, at=at, fix=error.fix) from error

    @classmethod
    def of_constants(
        cls, params: Mapping[str, Any], *, name: str, seed: int, mark: Mark, content: str = "rendered"
    ) -> Scenario:
        """The scenario of one draw, from the constants that ``ResolvedFrame.params`` gave.

        Raises:
            ScenarioError: a parameter that this version does not know, or a value that it does not allow.
        """
        for path in params:
            if path not in PARAMETERS:
                raise ScenarioError(f"Unknown parameter {path!r}.", at=name, fix=one_of(path, PARAMETERS))
        given = {path: _given(path, value) for path, value in params.items()}
        return cls(name, given, seed=seed, content=content, mark=mark)

    @cached_property
    def draws(self) -> dict[str, Distribution]:
        """The distribution of every parameter, in the order in which they are drawn."""
        full = _defaults(self.content) | dict(self.given)
        return {path: full[path] for path in _order(full)}

    @cached_property
    def sha256(self) -> str:
        """Identity of what is drawn: all but seed, number of frames, description and what is left at its default.

        So a new version with more parameters leaves it as it was.
        A resolved frame has the identity of the scenario it was drawn from.
        """
        if self.mark:
            return self.mark.scenario_sha256
        changed = {path: draw for path, draw in self.given.items() if draw != _defaults(self.content)[path]}
        plain = dataclasses.replace(self, given=changed).document()
        identity = {key: value for key, value in plain.items() if key not in _NOT_IDENTITY}
        return sha256_text(canonical_json(identity))

    @property
    def salt(self) -> str:
        """Part of the seed of all random draws, with frame, attempt and parameter path."""
        return f"{self.name}|{self.seed}"

    def replace(self, changes: Mapping[str, Any] | None = None, **attributes: Any) -> Scenario:
        """A scenario with other values, in document form by parameter path, or with other attributes.

        >>> bright = Scenario("mine").replace({"sensor.exposure.ev": {"uniform": [1, 2]}}, seed=3)
        >>> bright.draws["sensor.exposure.ev"], bright.seed
        (Uniform(low=1, high=2), 3)
        """
        given = dict(self.given)
        for entry, value in (changes or {}).items():
            for path, part in texts.expand_entry(entry, value).items():
                given[path] = texts.parse_distribution(PARAMETERS[path], part)
        mark = None if changes else self.mark  # with other values it is another frame
        return _checked(dataclasses.replace(self, **{"given": given, "mark": mark, **attributes}))

    def resolve(
        self, frame: int, attempt: int = 0, *, donor_ids: Sequence[str] = (), objects: Objects | None = None
    ) -> ResolvedFrame:
        """Draw everything once; a resolved frame gives itself again, whatever the numbers.

        Args:
            frame, attempt: numbers of the draw.
            donor_ids: the samples that it may draw donors from.
            objects: of these, the labelled objects that it may draw.

        Raises:
            Unplaceable: the objects of this draw do not fit; another attempt may.
            ScenarioError: an expression gives what its parameter does not allow.
        """
        mark = self.mark or Mark(self.sha256, frame, attempt)
        spreads = self.anchor.spreads()
        values = draw_frame(self.draws, self.salt, mark.frame, mark.attempt, spreads, donor_ids, objects)
        return ResolvedFrame(self, mark, values)

    def document(self, *, full: bool = False) -> dict[str, Any]:
        """The document as a dictionary; ``full`` writes defaults out."""
        document: dict[str, Any] = {"scenario": VERSION, "name": self.name, "seed": self.seed, "frames": self.frames}
        document |= {"description": self.description} if self.description else {}
        document |= {"anchor": self.anchor.document()} if self.anchor != NO_ANCHOR else {}
        document |= {"content": self.content} if full or self.content != "rendered" else {}
        document |= {"donors": self.donors.document()} if self.donors != NO_DONORS else {}
        document |= _sections(self.draws if full else dict(self.given))
        document |= {"modes": dict(self.modes)} if self.modes else {}
        document |= {"accept": self.accept.document()} if full or self.accept != Accept() else {}
        document |= {"annotators": list(self.annotators)} if self.annotators else {}
        if self.mark:
            document["resolved"] = {**dataclasses.asdict(self.mark), "values_sha256": _values_sha256(self.given)}
        return document

    def dump(self, path: str | Path | None = None) -> str:
        """The document as YAML, also written to ``path`` when given; loading it gives an equal scenario."""
        text = texts.to_text(self.document())
        if path is not None:
            write_bytes(Path(path), text.encode())
        return text


@dataclass(frozen=True, eq=False)
class ResolvedFrame:
    """One draw of a scenario: the constants actually used.

    Attributes:
        scenario: what it was drawn from.
        mark: which draw it is.
        values: constant by parameter path; a list with one value per object where objects have their own.
    """

    scenario: Scenario
    mark: Mark
    values: Mapping[str, Any]

    def as_scenario(self) -> Scenario:
        """The frame as a scenario of constants: resolving it gives this frame again."""
        given = {path: _constant(path, value) for path, value in self.values.items()}
        donors = dataclasses.replace(self.scenario.donors, where="", ids=())  # those that were drawn are constants
        return dataclasses.replace(self.scenario, given=given, donors=donors, mark=self.mark)

    def document(self) -> dict[str, Any]:
        """The frame as a scenario document."""
        return self.as_scenario().document()

    def params(self) -> dict[str, Any]:
        """Flat dictionary of constants, for the lineage."""
        return {path: self.values[path] for path in PARAMETERS if path in self.values}


_NOT_IDENTITY = ("seed", "frames", "description")


def _values_sha256(given: Mapping[str, Distribution]) -> str:
    return sha256_text(canonical_json(_sections(given)))


def _parse_mark(given: Any, values: Mapping[str, Distribution]) -> Mark | None:
    if given is None:
        return None
    keys = {"scenario_sha256", "frame", "attempt", "values_sha256"}
    if not isinstance(given, Mapping) or set(given) != keys:
        problem = f"The section must have the keys {', '.join(sorted(keys))}, not {repr(given)[:80]}."
        raise ScenarioError(problem, at="resolved")
    mark = Mark(_text(given, "scenario_sha256"), _whole(given, "frame", 0), _whole(given, "attempt", 0))
    if given["values_sha256"] != _values_sha256(values):
        fix = "Delete the key 'resolved' to make it a scenario of its own."
        raise ScenarioError("The values of this resolved frame were changed.", at="resolved", fix=fix)
    return mark


def _constant(path: str, value: Any) -> Distribution:
    if PARAMETERS[path].per == "frame":
        return Constant(value)
    return Each(value)


def _given(path: str, value: Any) -> Distribution:
    """The constant that somebody else may have written."""
    name = "constant" if PARAMETERS[path].per == "frame" else "each"
    return texts.parse_distribution(PARAMETERS[path], {name: value})


@cache
def _defaults(content: str) -> dict[str, Distribution]:
    return {
        path: texts.parse_distribution(parameter, default_of(parameter, content))
        for path, parameter in parameters_of(content).items()
    }


def _order(draws: Mapping[str, Distribution]) -> list[str]:
    """Paths so that what a draw needs comes first; otherwise in the order of the registry."""
    counts = {"assets.targets.count", "assets.distractors.count"} & draws.keys()
    graph: dict[str, set[str]] = {}
    for path in (path for path in PARAMETERS if path in draws):
        needed = draws[path].needs()
        for other in sorted(needed):
            _check_reference(path, other, draws)
        graph[path] = set(needed) | (counts if PARAMETERS[path].per != "frame" else set())
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as cause:
        circle = " -> ".join(cause.args[1])
        problem = f"Expressions depend on each other in a circle: {circle}."
        raise ScenarioError(problem, fix="Make one of them a constant.") from cause


def _check_reference(path: str, other: str, draws: Mapping[str, Distribution]) -> None:
    if other not in draws:
        raise ScenarioError(f"Unknown parameter {other!r} in the expression.", at=path, fix=one_of(other, draws))
    own, owner = PARAMETERS[path].per, PARAMETERS[other].per
    if owner not in ("frame", own) and PARAMETERS[path].kind != "placement":
        fix = "Refer to a parameter of the frame, or of the same objects."
        problem = f"The expression uses {other}, which has one value per {owner}; this parameter has one per {own}."
        raise ScenarioError(problem, at=path, fix=fix)


def _sections(draws: Mapping[str, Distribution]) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {}
    for path in PARAMETERS:
        if path in draws:
            section, _, key = path.partition(".")
            sections.setdefault(section, {})[key] = texts.distribution_document(draws[path])
    return dict(sections)


def _parse(given: Mapping[str, Any]) -> Scenario:
    for key in given:
        if key not in TOP + RESOLVED:
            raise ScenarioError(f"Unknown key {key!r} in the scenario.", fix=one_of(str(key), TOP))
    version = given.get("scenario")
    if version != VERSION:
        problem = "The schema version is missing." if version is None else f"Schema version {version!r} is unknown."
        raise ScenarioError(problem, at="scenario", fix=f"Write scenario: {VERSION}.")
    if given.get("units", UNITS) != UNITS:
        problem = f"Units {given['units']!r} are not supported, only {UNITS}."
        raise ScenarioError(problem, at="units", fix="Convert the values.")
    values = texts.parse_sections(given)
    return _checked(
        Scenario(
            name=_text(given, "name"),
            given=values,
            seed=_whole(given, "seed", 0),
            frames=_whole(given, "frames", 100),
            description=_text(given, "description", ""),
            anchor=parse_anchor(given.get("anchor")),
            modes=_modes(given.get("modes") or {}),
            accept=parse_accept(given.get("accept") or {}),
            annotators=parse_annotators(given.get("annotators") or []),
            content=_content(given.get("content", "rendered")),
            donors=parse_donors(given.get("donors")),
            mark=_parse_mark(given.get("resolved"), values),
        )
    )


def _checked(scenario: Scenario) -> Scenario:
    """The scenario, if its parts fit together."""
    known = parameters_of(scenario.content)
    for path in scenario.given:
        if path not in known:
            valid = " or ".join(PARAMETERS[path].contents)
            problem = f"The parameter means nothing with content: {scenario.content}; it belongs to content: {valid}."
            raise ScenarioError(problem, at=path, fix=f"Remove it, or write content: {PARAMETERS[path].contents[0]}.")
    if scenario.donors != NO_DONORS and scenario.content not in PHOTOS:
        fix = f"Write content: {' or '.join(PHOTOS)}, or remove the donors."
        raise ScenarioError("Rendered pictures are made of meshes, without donors.", at="donors", fix=fix)
    for path, distribution in scenario.draws.items():
        anchor = getattr(distribution, "anchor", None)
        if anchor is not None and anchor not in scenario.anchor.spreads():
            fix = one_of(anchor, scenario.anchor.spreads())
            raise ScenarioError(f"The anchor has no measured value {anchor!r}.", at=path, fix=fix)
    for path, mode in scenario.modes.items():
        if path not in known:
            raise ScenarioError(f"Unknown parameter {path!r}.", at="modes", fix=one_of(str(path), known))
        if mode not in MODES:
            raise ScenarioError(f"Unknown mode {mode!r}.", at=f"modes.{path}", fix=one_of(str(mode), MODES))
        if mode == "pin" and not isinstance(scenario.draws[path], (Constant, Each)):
            fix = "Write a constant, or set its mode to jitter."
            raise ScenarioError("The mode is pin, but the parameter has a distribution.", at=path, fix=fix)
    return scenario


def _content(given: Any) -> str:
    if not isinstance(given, str) or given not in CONTENTS:
        raise ScenarioError(f"Unknown content {repr(given)[:80]}.", at="content", fix=one_of(str(given), CONTENTS))
    return given


def _modes(given: Any) -> dict[str, str]:
    if fault(given, {str: str}):
        fix = "Write for example modes: {sensor.exposure.ev: jitter}."
        raise ScenarioError(f"{repr(given)[:80]} is not a mode by parameter.", at="modes", fix=fix)
    return dict(given)


def _text(given: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = given.get(key, default)
    if not is_text(value) or (default is None and not value.strip()):
        problem = f"Text is needed here, not {value!r:.80}." if key in given else "The key is missing."
        raise ScenarioError(problem, at=key, fix=f"Write for example {key}: shiny_tray.")
    return value


def _whole(given: Mapping[str, Any], key: str, default: int) -> int:
    value = given.get(key, default)
    if fault(value, int) or value < 0:
        raise ScenarioError(f"{value!r:.80} is not a whole number of 0 or more.", at=key)
    return int(value)

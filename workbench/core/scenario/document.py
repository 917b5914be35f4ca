"""The scenario as text: YAML or JSON in, plain dictionaries and YAML out. Strict: an unknown key is an error."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import yaml

from workbench.base import yaml_text
from workbench.base.errors import InputError, ScenarioError, one_of
from workbench.base.files import existing
from workbench.core.scenario.distribution import Distribution
from workbench.core.scenario.distributions import DISTRIBUTIONS, NAMES, ChoiceFrom, Constant
from workbench.core.scenario.parameter import Parameter
from workbench.core.scenario.parameters import PARAMETERS, SECTIONS
from workbench.core.scenario.shorthands import LIBRARY, SHORTHANDS, expand

PRESETS = Path(__file__).parent / "presets"
MAX_BYTES = 10_000_000


class _Block(dict[str, Any]):
    """A section of the document, written with one line per key."""


class _Dumper(yaml.SafeDumper):
    """Writes sections over several lines and each value on one line."""


_Dumper.add_representer(_Block, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, False))


def preset_names() -> list[str]:
    """Names of the scenarios that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def read_document(path_or_preset: str | Path) -> dict[str, Any]:
    """The dictionary in a YAML or JSON file, or in a preset.

    Raises:
        InputError: no such file or preset.
        ScenarioError: not YAML, or not a mapping.
    """
    path = Path(path_or_preset)
    if not path.exists() and str(path_or_preset) in preset_names():
        path = PRESETS / f"{path_or_preset}.yaml"
    elif not path.exists() and path.suffix not in (".yaml", ".yml", ".json"):
        fix = one_of(str(path_or_preset), preset_names())
        raise InputError(f"There is no scenario file or preset {str(path_or_preset)!r}.", fix=fix)
    path = existing(path, wanted="a scenario file")
    if path.is_dir():
        raise InputError("This is a folder, not a scenario file.", at=str(path))
    if path.stat().st_size > MAX_BYTES:
        problem = f"The file has {path.stat().st_size:,} bytes; a scenario has at most {MAX_BYTES:,}."
        raise InputError(problem, at=str(path))
    return _with_folders(parse_text(path.read_bytes(), at=path.name), path.parent)


def _with_folders(document: dict[str, Any], beside: Path) -> dict[str, Any]:
    """The document with its meshes taken relative to the folder of its file."""

    def absolute(source: Any) -> Any:
        if isinstance(source, str):
            return str(beside / Path(source).expanduser())
        return [*map(absolute, source)] if isinstance(source, list) else source

    for key, value in (document.get("assets") or {}).items() if isinstance(document.get("assets"), dict) else ():
        source = value.get("from", LIBRARY) if isinstance(value, dict) else LIBRARY
        if key in ("targets", "distractors") and source != LIBRARY:
            if isinstance(source, dict):
                value["from"] = {name: absolute(path) for name, path in source.items()}
            else:
                value["from"] = absolute(source)
    return document


def parse_text(text: str | bytes, *, at: str) -> dict[str, Any]:
    """The mapping in a YAML or JSON text; errors name ``at`` as its source."""
    document = parse_value(text, at=at)
    if not isinstance(document, dict):
        kind = "empty" if document is None else f"a {type(document).__name__}"
        raise ScenarioError(f"The document is {kind}, not a mapping with scenario, name and sections.", at=at)
    return document


def parse_value(text: str | bytes, *, at: str) -> Any:
    """The value of a YAML or JSON text, e.g. one distribution; errors name ``at`` as its source.

    >>> parse_value("{uniform: [0, 1]}", at="sensor.exposure.ev")
    {'uniform': [0, 1]}
    """
    try:
        return yaml_text.parse(text, unique_keys=True)
    except ValueError as cause:
        raise ScenarioError(f"This is not valid YAML: {cause}.", at=at) from cause


def value_text(value: Any) -> str:
    """One value of a document as text on one line.

    >>> value_text({"uniform": [0, 1]}), value_text("mug"), value_text(0.5)
    ('{uniform: [0, 1]}', 'mug', '0.5')
    """
    text = yaml.dump(value, Dumper=yaml.SafeDumper, default_flow_style=True, sort_keys=False, width=100_000)
    return str(text).removesuffix("...\n").strip()


def to_text(document: Mapping[str, Any]) -> str:
    """YAML text of a document, in the order of its keys.

    >>> print(to_text({"scenario": 1, "sensor": {"exposure.ev": {"uniform": [-2.0, 0.5]}}}))
    scenario: 1
    sensor:
      exposure.ev:
        uniform: [-2.0, 0.5]
    <BLANKLINE>
    """
    blocks = {key: _Block(value) if isinstance(value, Mapping) and value else value for key, value in document.items()}
    text = yaml.dump(blocks, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    return str(text)


def parse_sections(document: Mapping[str, Any]) -> dict[str, Distribution]:
    """Distributions by parameter path, for the parameters that the document names.

    Raises:
        ScenarioError: an unknown key, a wrong type or an impossible range; the message names the path.
    """
    distributions: dict[str, Distribution] = {}
    for section in SECTIONS:
        for path, value in _entries(document, section):
            if path in distributions:
                raise ScenarioError("This parameter is set twice, on its own and through a shorthand.", at=path)
            distributions[path] = parse_distribution(PARAMETERS[path], value)
    return distributions


def _entries(document: Mapping[str, Any], section: str) -> list[tuple[str, Any]]:
    given = document.get(section) or {}
    if not isinstance(given, dict):
        problem = f"The section must hold parameters with their distributions, not {repr(given)[:80]}."
        raise ScenarioError(problem, at=section)
    entries: list[tuple[str, Any]] = []
    for key, value in given.items():
        entries += expand_entry(f"{section}.{key}", value).items()
    return entries


def expand_entry(path: str, value: Any) -> dict[str, Any]:
    """Document values by parameter path: the entry itself, or the parts of a shorthand."""
    if path in PARAMETERS:
        return {path: value}
    section = path.partition(".")[0]
    if path not in SHORTHANDS:
        valid = [name for name in (*PARAMETERS, *SHORTHANDS) if name.startswith(f"{section}.")]
        raise ScenarioError(f"Unknown parameter {path!r}.", at=section, fix=one_of(path, valid or PARAMETERS))
    try:
        return expand(path, value)
    except ValueError as cause:
        raise ScenarioError(str(cause), at=path) from cause


def parse_distribution(parameter: Parameter, value: Any) -> Distribution:
    """The distribution of a document value, checked against the parameter.

    Raises:
        ScenarioError: it cannot be read, or can give what the parameter does not allow.
    """
    try:
        distribution = _distribution(parameter, value)
        refused = [v for v in distribution.possible(parameter) if not parameter.accepts(v)]
    except (ValueError, TypeError, OverflowError) as cause:
        fix = "" if parameter.words else f"Each value must be {parameter.expects()}."
        raise ScenarioError(f"{str(cause).rstrip('.')}.", at=parameter.path, fix=fix) from cause
    if refused:
        problem = f"{refused[0]!r} is not {parameter.expects()}."
        raise ScenarioError(problem, at=parameter.path, fix=_advice(parameter, refused[0]))
    return distribution


def _advice(parameter: Parameter, refused: Any) -> str:
    """What to write instead of a value that the parameter does not accept."""
    if parameter.words:
        return one_of(str(refused), parameter.words)
    meaning = f"Meaning: {parameter.meaning}."
    if parameter.kind != "number" or isinstance(refused, (int, float)):
        return meaning
    return f"Write for example {{uniform: [{parameter.low:g}, {parameter.high:g}]}}. {meaning}"


def _distribution(parameter: Parameter, value: Any) -> Distribution:
    if not isinstance(value, dict):
        if isinstance(value, list) and parameter.kind in ("word", "asset"):
            return ChoiceFrom(tuple(value))
        return Constant(value)
    names = [key for key in value if key in DISTRIBUTIONS]
    if len(names) > 1:
        problem = f"Several distributions are given: {', '.join(map(str, value))}."
        raise ScenarioError(problem, at=parameter.path, fix="Keep one of them.")
    if not names:
        keys = ", ".join(map(str, value))
        problem = f"Unknown distribution {keys!r}." if keys else "The distribution is empty."
        raise ScenarioError(problem, at=parameter.path, fix=one_of(keys, DISTRIBUTIONS))
    kind = DISTRIBUTIONS[names[0]]
    further = {str(key): part for key, part in value.items() if key != names[0]}
    return _make(kind, names[0], value[names[0]], further)


def _make(kind: type[Distribution], name: str, given: Any, further: dict[str, Any]) -> Distribution:
    listed: list[Any] = []
    if isinstance(given, dict):
        further = {str(key): part for key, part in given.items()} | further
    elif isinstance(given, list) and not kind.takes_list:
        listed = given
    elif given is not None or kind is Constant:
        listed = [given]
    try:
        bound = inspect.signature(kind).bind(*listed, **further)
    except TypeError as cause:
        accepted = ", ".join(f.name + ("" if f.default is MISSING else " (optional)") for f in fields(kind))
        written = f"{given!r} {further or ''}".rstrip()
        raise ValueError(f"{name} takes {accepted or 'nothing'}, not {written}.") from cause
    return kind(*bound.args, **bound.kwargs)


def distribution_document(distribution: Distribution) -> Any:
    """A distribution in document form; parsing it gives the same distribution."""
    if isinstance(distribution, Constant) and not isinstance(distribution.value, (list, dict)):
        return distribution.value
    values = {f.name: _plain(getattr(distribution, f.name)) for f in fields(distribution)}
    values = {
        f.name: values[f.name] for f in fields(distribution) if f.default is MISSING or values[f.name] != f.default
    }
    name = NAMES[type(distribution)]
    first = next(iter(values), None)
    alone = len(values) == 1 and first == fields(distribution)[0].name and isinstance(values[first], str)
    if distribution.takes_list or alone:
        assert first is not None
        return {name: values.pop(first), **values}
    return {name: list(values.values()) if set(values) == {"low", "high"} else values}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

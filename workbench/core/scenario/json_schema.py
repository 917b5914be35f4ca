"""The scenario document as JSON Schema, for editors: completion, units and meanings, ranges of constants."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from workbench.core.scenario.accept import COUNT, SIZE, TRIES, VISIBLE
from workbench.core.scenario.anchor import CONFIDENCE, KEYS
from workbench.core.scenario.annotators import ANNOTATORS
from workbench.core.scenario.distribution import Distribution
from workbench.core.scenario.distributions import DISTRIBUTIONS
from workbench.core.scenario.parameter import CONTENTS, LENGTHS, Parameter
from workbench.core.scenario.parameters import PARAMETERS, SECTIONS
from workbench.core.scenario.shorthands import SHORTHANDS

Schema = dict[str, Any]
MODES = ("pin", "jitter", "free")


def json_schema() -> Schema:
    """JSON Schema (draft 2020-12) of a scenario document.

    >>> json_schema()["properties"]["sensor"]["properties"]["exposure.ev"]["description"]
    'stop: exposure; at 0, matte white under 1000 lux is just white'
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario",
        "type": "object",
        "required": ["scenario", "name"],
        "additionalProperties": False,
        "properties": {
            "scenario": {"const": 1, "description": "version of the schema"},
            "name": {"type": "string", "minLength": 1, "description": "salts all draws, with the seed"},
            "seed": {"type": "integer", "minimum": 0},
            "frames": {"type": "integer", "minimum": 0, "description": "how many to generate by default"},
            "description": {"type": "string"},
            "units": {"const": {"length": "metre", "angle": "degree"}},
            "anchor": _anchor(),
            "content": {"enum": [*CONTENTS], "description": "; ".join(f"{k}: {v}" for k, v in CONTENTS.items())},
            "donors": _donors(),
            **{section: _section(section) for section in SECTIONS},
            "modes": _modes(),
            "accept": _accept(),
            "annotators": {"type": "array", "items": {"enum": [*ANNOTATORS]}},
            "resolved": {"type": "object", "description": "written by the generator; delete it to edit the values"},
            "outcome": {"type": "object", "description": "written by the generator"},
        },
        "$defs": {"distribution": {"anyOf": [_distribution(name, kind) for name, kind in DISTRIBUTIONS.items()]}},
    }  # fmt: skip


def _section(section: str) -> Schema:
    start = f"{section}."
    own = {path.removeprefix(start): _parameter(PARAMETERS[path]) for path in PARAMETERS if path.startswith(start)}
    short = {path.removeprefix(start): {"description": "several parameters as one"} for path in SHORTHANDS
             if path.startswith(start)}  # fmt: skip
    return {"type": "object", "additionalProperties": False, "properties": own | short}


def _parameter(parameter: Parameter) -> Schema:
    unit = f"{parameter.unit}: " if parameter.unit else ""
    owner = "" if parameter.per == "frame" else f" (one per {parameter.per})"
    described: Schema = {"description": f"{unit}{parameter.meaning}{owner}", "default": parameter.default}
    return described | {"anyOf": [*_constants(parameter), {"$ref": "#/$defs/distribution"}]}


def _constants(parameter: Parameter) -> list[Schema]:
    null: list[Schema] = [{"type": "null"}] if parameter.nullable else []
    if parameter.kind == "switch":
        return [*null, {"type": "boolean"}]
    if parameter.kind == "word":
        return [*null, {"enum": [*parameter.words]}, {"type": "array", "items": {"type": "string"}}]
    if parameter.kind == "asset":
        own = {"type": "string", "pattern": "@", "description": "class@path of a mesh file"}
        return [*null, {"enum": [*parameter.words]}, own, {"type": "array", "items": {"type": "string"}}]
    if parameter.kind in LENGTHS:
        lengths = LENGTHS[parameter.kind]
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": min(lengths), "maxItems": max(lengths)}
        return [*null, numbers]
    if parameter.kind in ("sample", "object"):
        return [*null, {"type": "string", "description": parameter.expects()}]
    kind = "integer" if parameter.kind == "integer" else "number"
    return [*null, {"type": kind, "minimum": parameter.low, "maximum": parameter.high}]


def _distribution(name: str, kind: type[Distribution]) -> Schema:
    names: Schema = {field.name: {} for field in fields(kind)}
    required = [field.name for field in fields(kind) if field.default is MISSING]
    inner: list[Schema] = [{"type": "object", "additionalProperties": False, "properties": names}]
    inner[0] |= {"required": required} if required else {}
    inner += [{"type": "array"}, {"type": ["number", "string", "boolean", "null"]}]
    meaning = (kind.__doc__ or "").splitlines()[0]
    return {
        "type": "object",
        "required": [name],
        "additionalProperties": False,
        "properties": {name: {"description": meaning, "anyOf": inner}} | {k: v for k, v in names.items() if k != name},
    }


def _modes() -> Schema:
    return {"type": "object", "propertyNames": {"enum": [*PARAMETERS]}, "additionalProperties": {"enum": [*MODES]}}


def _accept() -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    pair = {"type": "array", "minItems": 2, "maxItems": 2}
    known = {
        VISIBLE: pair | {"items": share, "description": "lowest and highest visible share of every labelled object"},
        SIZE: {"type": "number", "minimum": 0, "description": "pixel: shortest box side of any visible object"},
        COUNT: pair | {"items": {"type": "number", "minimum": 0}, "description": "visible labelled objects"},
        TRIES: {"type": "integer", "minimum": 1, "maximum": 1000, "description": "draws before a frame is given up"},
    }
    return {"type": "object", "additionalProperties": False, "properties": known}


def _donors() -> Schema:
    text: Schema = {"type": "string"}
    known = {"dataset": text, "where": text, "ids": {"type": "array", "items": text}}
    return {"type": "object", "additionalProperties": False, "properties": known}


def _anchor() -> Schema:
    confidence = {"enum": [*CONFIDENCE, "unknown"]}
    value = {"type": "object", "required": ["value"], "additionalProperties": False,
             "properties": {"value": {"type": "number"}, "confidence": confidence}}  # fmt: skip
    texts = {"type": "array", "items": {"type": "string"}}
    known: Schema = {key: {} for key in KEYS}
    known |= {"sample_ids": texts, "tags": texts, "measured": {"type": "object", "additionalProperties": value}}
    return {"type": "object", "additionalProperties": False, "properties": known}

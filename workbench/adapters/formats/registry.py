"""All formats, and the detection of the one that a folder has.

Every package beside this module is a format: it reads with its ``read.py``, writes with its ``write.py``, or reads with
the package itself when that is a reader of one module. See ``toolkit/contract.py`` for what a reader and a writer have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from workbench.adapters.formats.toolkit.accounting import Accounted
from workbench.adapters.formats.toolkit.contract import Format, Found, Writer
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError, one_of, unreadable

_HERE = Path(__file__).parent


def _modules(part: str) -> Iterator[tuple[str, Any]]:
    """Name and module of every format that has this part: ``read`` or ``write``."""
    for package in iter_modules([str(_HERE)]):
        if not package.ispkg:
            continue
        name = f"{__package__}.{package.name}"
        parted = (_HERE / package.name / f"{part}.py").is_file()
        module = import_module(f"{name}.{part}" if parted else name)
        if parted or (part == "read" and hasattr(module, "detect")):
            yield module.name, module


FORMATS: Final[dict[str, Format]] = dict(_modules("read"))
WRITERS: Final[dict[str, Writer]] = dict(_modules("write"))

_TIE = 0.15  # evidence closer than this does not decide


def choose(source: Source, *, name: str | None = None) -> tuple[str, Found]:
    """The name of the format to read a file or folder with, why, and how.

    Args:
        source: what is to be read.
        name: the format that the user asks for; ``None`` looks at the content.

    Raises:
        InputError: no such format, nothing fits, or two fit equally well.
    """
    if name is not None:
        return name, _accounted(source, _asked_for(source, name))
    matches, refused = _detected(source)
    if not matches:
        raise next(iter(refused), None) or _nothing_fits(source)
    ranked = sorted(matches, key=lambda name: -matches[name].score)
    best = ranked[0]
    equal = [name for name in ranked if matches[best].score - matches[name].score < _TIE]
    if len(equal) > 1:
        reasons = "; ".join(f"{name}: {matches[name].why}" for name in equal)
        problem = f"The data matches several formats equally well ({reasons})."
        raise InputError(problem, at=str(source.path), fix=f"Choose one: --format {' or '.join(equal)}.")
    return best, _accounted(source, matches[best])


def _accounted(source: Source, match: Found) -> Found:
    return replace(match, read=partial(Accounted, match.read, source))


def _asked_for(source: Source, name: str) -> Found:
    if name not in FORMATS:
        raise InputError(f"Unknown format {name!r:.80}.", fix=one_of(name, FORMATS))
    if source.file is not None and not FORMATS[name].single_files:
        problem = f"The format '{name}' is read from a folder, and this is a file."
        raise InputError(problem, at=str(source.path), fix="Give the folder that holds it.")
    return Found(1.0, "asked for", partial(FORMATS[name].read, source))


def _detected(source: Source) -> tuple[dict[str, Found], list[InputError]]:
    """The formats that fit, and what others say that would fit but for a fault; a stray file stops no other format."""
    matches: dict[str, Found] = {}
    refused: list[InputError] = []
    for name, form in FORMATS.items():
        if source.file is not None and not form.single_files:
            continue
        try:
            match = form.detect(source)
        except InputError as fault:
            refused.append(fault)
        except OSError as cause:
            raise unreadable(cause, source.path) from cause
        else:
            if match is not None:
                matches[name] = match
    return matches, refused


def _nothing_fits(source: Source) -> InputError:
    path = source.path
    if links := source.tree.outside:
        problem = f"The folder holds links that lead out of it and nothing that can be loaded (first: {links[0]})."
        return InputError(
            problem, at=str(path), fix="Load the folder of their targets, or a copy without links (cp -rL)."
        )
    empty = path.is_dir() and not any(path.iterdir())
    known = "; ".join(f"{name}: {form.looks_for}" for name, form in FORMATS.items())
    return InputError(
        "The folder is empty." if empty else "There are no images and no known data set here.",
        at=str(path),
        fix=f"The formats and what they are recognized by: {known}.",
    )

"""What pictures can be made of. A content is one module and one line here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.actions.generate import paste, photo, plate, rendered
from workbench.actions.generate.donors import Supply
from workbench.actions.generate.shot import Draft
from workbench.base.shapes import Shape
from workbench.core.scenario import ResolvedFrame


@dataclass(frozen=True)
class Content:
    """How pictures of one content are made and read back.

    Attributes:
        draft: what will be seen in a draw.
        read_back: fields of the record, from the frame's document and the paths of its files.
        outcome: shape of the content's part of that document.
        kinds: folders of the files that each frame has beside its image and its document.
    """

    draft: Callable[[ResolvedFrame, Counter[str], Supply], Draft]
    read_back: Callable[[Mapping[str, Any], Mapping[str, Path]], dict[str, Any]]
    outcome: Shape
    kinds: tuple[str, ...] = ()


CONTENTS = {
    "rendered": Content(rendered.draft, rendered.read_back, rendered.OUTCOME, ("instances", "depth")),
    "photos": Content(photo.Developed.of, photo.read_back, photo.OUTCOME),
    "plates": Content(plate.Plated.of, photo.read_back, photo.OUTCOME),
    "pasted": Content(paste.Pasted.of, photo.read_back, photo.OUTCOME),
}

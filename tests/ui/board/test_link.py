"""The linker: scripts with ES imports become one module, and what it cannot link is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.ui.board.link import LinkError, link
from workbench.ui.board.registry import PANELS
from workbench.ui.board.scripts import module_text

A = "export default a;\nconst a = 1;"


SOURCES = {
    "a.js": """import {
  twice,
  own as by,
} from "./b.js";
import { step } from "./c.js";
export default [twice(2), by, step];
""",
    "b.js": """import { step } from "./c.js";
const hidden = 5;
export function twice(n) { return 2 * n + step; }
export const own = hidden;
export class Kept {}
""",
    "c.js": """// import nothing
const hidden = 7;
export const step = hidden;
""",
    "unused.js": "this is no script",
}
LINKED = """const $c = (() => {
// import nothing
const hidden = 7;
const step = hidden;
return { step };
})();
const $b = (() => {
const { step } = $c;
const hidden = 5;
function twice(n) { return 2 * n + step; }
const own = hidden;
class Kept {}
return { twice, own, Kept };
})();
const { twice, own: by } = $b;



const { step } = $c;
export default [twice(2), by, step];"""


def test_each_file_is_a_function_and_stands_after_what_it_imports() -> None:
    assert link("a.js", SOURCES) == LINKED
    assert link("a.js", dict(reversed(SOURCES.items()))) == LINKED, "the same whatever the order of the files"


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"a.js": 'import { b } from "./b.js";\n' + A}, r"a.js imports ./b.js, which does not exist"),
        ({"a.js": '\nimport { c } from "./b.js";\n' + A, "b.js": ""}, r"a.js:2 imports c, which b.js does not export"),
        (
            {"a.js": 'import { a } from "./b.js";\n' + A, "b.js": "export const a = 1;"},
            r"a.js:1 imports a, which a.js decl",
        ),
        (
            {"a.js": 'import { x } from "./b.js";\nimport { x } from "./b.js";\n' + A, "b.js": "export const x = 1;"},
            r"a.js:2 imports x, which a.js imports as well",
        ),
        (
            {
                "a.js": 'import { b } from "./b.js";\n' + A,
                "b.js": 'import { c } from "./c.js";\nexport const b = 1;',
                "c.js": 'import { b } from "./b.js";\nexport const c = 1;',
            },
            r"in a circle: b.js -> c.js -> b.js",
        ),
        ({"a.js": 'import { x-y } from "./b.js";\n' + A, "b.js": ""}, r"a.js:1 imports 'x-y', which is no name"),
        (
            {"a.js": 'import { x } from "./b.js";\n' + A, "b.js": "export const x = 1;\nexport const x = 2;"},
            r"b.js exports x twice",
        ),
        ({"a.js": 'import x from "./b.js";\n' + A}, r"a.js:1 has a form that the linker does not know: import x"),
        ({"a.js": 'import * as x from "./b.js";\n' + A}, r"does not know: import \* as x"),
        ({"a.js": 'import { x } from "https://host/b.js";\n' + A}, r"a.js:1 has a form"),
        ({"a.js": 'import { x } from "../b.js";\n' + A}, r"a.js:1 has a form"),
        ({"a.js": "const b = () => import('./b.js');\n" + A}, r"a.js:1 has a form"),
        ({"a.js": "\n\nexport let b = 1;\n" + A}, r"a.js:3 has a form"),
        ({"a.js": "export default 1;\nexport default 2;"}, r"a.js:2 has a form"),
        ({"a.js": "const a = 1;"}, r"a.js has no default export"),
        (
            {
                "a.js": 'import { x } from "./b-c.js";\nimport { y } from "./b_c.js";\n' + A,
                "b-c.js": "export const x = 1;",
                "b_c.js": "export const y = 1;",
            },
            r"b-c.js and b_c.js have names that are too much alike",
        ),
    ],
)
def test_what_cannot_be_linked_is_named(sources: dict[str, str], message: str) -> None:
    with pytest.raises(LinkError, match=message):
        link("a.js", sources)


def test_the_board_is_one_module_without_imports() -> None:
    linked = module_text(PANELS)
    assert linked == module_text(dict(PANELS))
    assert not any(line.startswith("import ") for line in linked.splitlines())
    assert [line for line in linked.splitlines() if line.startswith("export ")] == [linked.splitlines()[-1]]


def test_two_scripts_of_one_name_are_refused(tmp_path: Path) -> None:
    from workbench.ui.board.panel import Panel

    (tmp_path / "dom.js").write_text("export const panel = 1;")
    with pytest.raises(LinkError, match=r"two scripts called dom\.js"):
        module_text({**PANELS, "other": Panel("Other", str(tmp_path / "dom.js"))})

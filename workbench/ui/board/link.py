"""A small linker: ES modules of one folder become one module, as anywidget needs it without a bundler.

Understood are, each at the start of a line::

    import { name, name as other } from "./file.js";     (also over several lines)
    export const|function|async function|class name
    export default expression                            (in the entry only)

Every file becomes a function of its own, so that its top-level names stay its own; the functions run in the order of
the imports, each once. Imports of the browser (``import()``), of other folders and in circles are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([^"/]+)";[^\S\n]*$', re.M)
EXPORT = re.compile(r"^export (?=(?:const|(?:async )?function\*?|class)\s+([A-Za-z_$][\w$]*))", re.M)
DECLARATION = re.compile(r"^(?:export )?(?:const|let|var|(?:async )?function\*?|class)\s+([A-Za-z_$][\w$]*)", re.M)
DEFAULT = re.compile(r"^export default ", re.M)
STATEMENT = re.compile(r"^(?:import|export)\b.*$", re.M)
DYNAMIC = re.compile(r"\bimport\s*\(")
NAME = re.compile(r"^([A-Za-z_$][\w$]*)(?: as ([A-Za-z_$][\w$]*))?$")


class LinkError(ValueError):
    """A script that cannot be linked: which file and line, and why."""


def link(entry: str, sources: Mapping[str, str]) -> str:
    """One module of the entry and all that it imports.

    Args:
        entry: name of the file with the default export.
        sources: text of each file by its name.

    Raises:
        LinkError: an unknown file or name, a name imported or exported twice, a circle, or a form not understood.

    >>> print(link("a.js", {"a.js": 'import { b } from "./b.js";\\nexport default b;', "b.js": "export const b = 1;"}))
    const $b = (() => {
    const b = 1;
    return { b };
    })();
    const { b } = $b;
    export default b;
    """
    exports: dict[str, list[str]] = {}
    texts = []
    for name in _order(entry, sources):
        exports[name] = _exports(name, sources[name])
        body = EXPORT.sub("", _without_imports(name, sources[name], exports))
        _refuse_statements(name, DEFAULT.sub("", body, count=1) if name == entry else body)
        texts.append(body.strip() if name == entry else _as_function(name, body, exports[name]))
    if not DEFAULT.search(sources[entry]):
        raise LinkError(f"{entry} has no default export.")
    return "\n".join(texts)


def _as_function(name: str, body: str, exported: list[str]) -> str:
    """A file as a function that runs at once and returns what the file exports."""
    return f"const {_variable(name)} = (() => {{\n{body.strip()}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _order(entry: str, sources: Mapping[str, str]) -> list[str]:
    """Names of the files, each after those that it imports."""
    done: list[str] = []

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise LinkError(f"Files import each other in a circle: {' -> '.join((*way[way.index(name) :], name))}.")
        if name in done:
            return
        if name not in sources:
            raise LinkError(f"{way[-1] if way else 'The board'} imports ./{name}, which does not exist.")
        for _, imported in IMPORT.findall(sources[name]):
            visit(imported, (*way, name))
        if other := next((known for known in done if _variable(known) == _variable(name)), None):
            raise LinkError(f"{other} and {name} have names that are too much alike. Rename one of them.")
        done.append(name)

    visit(entry, ())
    return done


def _without_imports(name: str, text: str, exports: Mapping[str, list[str]]) -> str:
    """The text with each import as the unpacking of a linked file."""
    known = {match[1]: "declares" for match in DECLARATION.finditer(text)}

    def unpack(match: re.Match[str]) -> str:
        at = _place(name, text, match.start())
        pairs = []
        for part in filter(None, map(str.strip, match[1].split(","))):
            if (names := NAME.match(part)) is None:
                raise LinkError(f"{at} imports {part!r}, which is no name.")
            imported, local = names[1], names[2] or names[1]
            if imported not in exports[match[2]]:
                raise LinkError(f"{at} imports {imported}, which {match[2]} does not export.")
            if local in known:
                raise LinkError(f"{at} imports {local}, which {name} {known[local]} as well.")
            known[local] = "imports"
            pairs.append(imported if imported == local else f"{imported}: {local}")
        lines = "\n" * match[0].count("\n")  # so that messages name the right line
        return f"const {{ {', '.join(pairs)} }} = {_variable(match[2])};{lines}"

    return IMPORT.sub(unpack, text)


def _exports(name: str, text: str) -> list[str]:
    exported = EXPORT.findall(text)
    if twice := next((each for each in exported if exported.count(each) > 1), None):
        raise LinkError(f"{name} exports {twice} twice.")
    return exported


def _refuse_statements(name: str, body: str) -> None:
    """What is left of imports and exports was not understood."""
    for form in (STATEMENT, DYNAMIC):
        if (match := form.search(body)) is not None:
            raise LinkError(
                f"{_place(name, body, match.start())} has a form that the linker does not know: {match[0][:80]}"
            )


def _place(name: str, text: str, start: int) -> str:
    return f"{name}:{text.count(chr(10), 0, start) + 1}"


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))

"""The conventions of this code, as functions from source text to what breaks them.

test_conventions.py applies them to the product; test_rules.py plants a fault for each and sees
it found, so that no rule passes because it looks at nothing.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
TRACKER: Final = ROOT / "tracker"
TEMPLATES: Final = ROOT / "templates"

WRITING_METHODS: Final = frozenset({"add", "add_all", "append", "delete", "merge", "remove"})
WRITING_FUNCTIONS: Final = frozenset({"delete", "insert", "update"})
CLOCKS: Final = frozenset({"now", "today", "utcnow", "utcfromtimestamp"})
FOREIGN_ADDRESS: Final = re.compile(
    r"""(?:src|href|url|import|from)\s*[=(]?\s*["'(]?\s*(?:https?:)?//"""
)


def python_files(root: Path = TRACKER) -> list[Path]:
    """Return the source files below `root`."""
    return sorted(root.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the path as messages show it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def unguarded_writers(source: str) -> list[str]:
    """Return the public functions that change something without asking `require` first."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    writers: set[str] = set()
    while True:  # who calls a private writer of the same module writes too
        found = {function.name for function in functions if _writes(function, writers)}
        if found == writers:
            break
        writers = found
    return [
        function.name
        for function in functions
        if function.name in writers
        and not function.name.startswith("_")
        and not _requires_first(function)
    ]


def commits(source: str) -> list[int]:
    """Return the lines that commit."""
    return _lines_of_calls(source, lambda call: _called(call).endswith("commit"))


def clock_readings(source: str) -> list[int]:
    """Return the lines that read the time of day."""

    def reads(call: ast.Call) -> bool:
        function = call.func
        if not isinstance(function, ast.Attribute):
            return False
        owner = ast.unparse(function.value)
        return (
            function.attr in CLOCKS and owner.split(".")[-1] in ("datetime", "date")
        ) or f"{owner}.{function.attr}" in ("time.time", "time.time_ns", "time.localtime")

    return _lines_of_calls(source, reads)


def raw_markup(source: str) -> list[str]:
    """Return the expressions of Python that are taken for safe HTML."""
    return [
        ast.unparse(call)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and _called(call) in ("Markup", "markupsafe.Markup")
    ]


def raw_output(template: str) -> list[str]:
    """Return what a template prints without escaping."""
    return re.findall(r"\{\{[^}]*\|\s*safe\b[^}]*\}\}|\{%-?\s*autoescape\s+false.*?%\}", template)


def due_as_moments(template: str) -> list[str]:
    """Return the due times and limits that a template prints as any other moment or day."""
    due = r"\b(?:\w*due_at|progress\.by|answer_by|returnable_until|applied_at)"
    return re.findall(due + r"\s*\|\s*date(?:time)?\b", template)


def unmarked_forms(template: str) -> list[str]:
    """Return the forms that are written out, take words, and do not say who is writing."""
    typed = re.compile(r'<textarea|<input(?![^>]*type="(?:hidden|submit|radio|checkbox)")')
    forms = re.findall(r"<form\b.*?</form>", template, re.DOTALL)
    return [
        form.partition(">")[0]
        for form in forms
        if 'method="get"' not in form and typed.search(form) and 'name="author"' not in form
    ]


def hidden_imports(source: str) -> list[str]:
    """Return the functions that import something when they run, with what."""
    return [
        f"{function.name}: {ast.unparse(inner)}"
        for function in ast.walk(ast.parse(source))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(function)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    ]


def foreign_addresses(text: str) -> list[str]:
    """Return the lines of a template, script or stylesheet that load from another site."""
    return [
        line.strip()
        for line in text.splitlines()
        if FOREIGN_ADDRESS.search(line) and "www.w3.org" not in line and "<a " not in line
    ]


def addresses_of_many_parts(source: str) -> list[int]:
    """Return the lines that hand names of their own to `url_for`, to which some mean more."""
    return _lines_of_calls(
        source,
        lambda call: (
            _called(call).endswith("url_for") and any(word.arg is None for word in call.keywords)
        ),
    )


def imports_of(source: str) -> set[str]:
    """Return the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def templates_without_use(templates: Path = TEMPLATES, sources: Path = TRACKER) -> list[str]:
    """Return the templates that no view renders and no other template uses."""
    names = {path.relative_to(templates).as_posix() for path in templates.rglob("*.*")}
    names = {name for name in names if not name.endswith(".md")}
    texts = [path.read_text() for path in sources.rglob("*.py")]
    texts += [path.read_text() for path in templates.rglob("*.*")]
    together = "\n".join(texts)
    return sorted(name for name in names if not _mentions(together, name))


def feature_folders(templates: Path = TEMPLATES) -> set[str]:
    """Return the folders of templates that stand for a feature."""
    shared = {"layouts", "components", "errors", "mail"}
    return {path.name for path in templates.iterdir() if path.is_dir()} - shared


def opens_transaction(source: str) -> bool:
    """Tell whether the source of a view has `with transaction():`."""
    return any(
        isinstance(node, ast.With)
        and any("transaction()" in ast.unparse(item.context_expr) for item in node.items)
        for node in ast.walk(ast.parse(source))
    )


def _mentions(text: str, name: str) -> bool:
    """Tell whether a template is named in full, or put together from its folder and a variable."""
    folder, _slash, file = name.rpartition("/")
    stem = file.partition(".")[0]
    return (
        name in text
        or f"{folder}/{stem}" in text
        or bool(re.search(rf'"{re.escape(folder)}/[^"\n]*(?:\{{|" ?~ ?)', text))
    )


def _writes(function: ast.FunctionDef, writers: set[str]) -> bool:
    return any(
        _is_write(node)
        or (
            isinstance(node, ast.Call)
            and _called(node) in writers
            and _called(node).startswith("_")
        )
        for node in ast.walk(function)
    )


def _is_write(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(
            isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
            for target in node.targets
            for part in ast.walk(target)
        )
    if isinstance(node, ast.AugAssign):
        return isinstance(node.target, ast.Attribute)
    if isinstance(node, ast.Call):
        called = _called(node)
        owner, _dot, method = called.rpartition(".")
        return (
            (method in WRITING_METHODS and "." in called and owner not in ("found", "seen"))
            or called in WRITING_FUNCTIONS
            or called in ("steps.take", "steps.record", "take", "record", "enqueue")
        )
    return False


def _requires_first(function: ast.FunctionDef) -> bool:
    body = function.body
    after_docstring = body[1:] if ast.get_docstring(function) is not None else body
    first = after_docstring[0] if after_docstring else None
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Call)
        and _called(first.value).startswith("require")
    )


def _called(call: ast.Call) -> str:
    """Return the name of what is called: the last two parts of a dotted one."""
    return ".".join(ast.unparse(call.func).split(".")[-2:])


def _lines_of_calls(source: str, fits: Callable[[ast.Call], bool]) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and fits(node)
    ]


def found_in(files: Iterable[Path], rule: Callable[[str], Sequence[object]]) -> Iterator[str]:
    """Yield where the rule is broken, file by file."""
    for path in files:
        for fault in rule(path.read_text()):
            yield f"{name_of(path)}: {fault}"

"""Print the documents that come from code, or check that they are current.

`python -m tools.print_docs` writes them; with `--check` it exits 1 and names those that differ.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tracker import config
from tracker.permissions import MATRIX, NEVER_ON_OWN_WORK, Reach, Role
from tracker.reports import definitions, statistics as counting, values
from tracker.service_requests import clocks, lifecycle, limits, parts
from tracker.service_requests.actions import dispatch, handling
from tracker.service_requests.lifecycle import RIGHT_FOR, TRANSITIONS, Status, Step

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Printed from code by `python -m tools.print_docs`. Do not edit. -->\n"
REACHES = {reach: reach.name.lower() for reach in Reach} | {Reach.NOWHERE: "·"}
CHINESE = {
    Status.SUBMITTED: "待受理",
    Status.ACCEPTED: "已受理",
    Status.ASSIGNED: "已派单",
    Status.IN_PROGRESS: "办理中",
    Status.WAITING: "待补充",
    Status.PARKED: "挂账",
    Status.RESOLVED: "已办结待确认",
    Status.CLOSED: "已销号",
}


def permissions() -> str:
    """Return docs/permissions.md: the matrix, one row a right, one column a role."""
    heads = [role.value.replace("_", " ") for role in Role]
    lines = [
        "# Who may do what",
        "",
        NOTE,
        "*own*: the resident's own request, the volunteer's own claims, what the leader answers",
        "for. *team*: what is assigned to one of the person's teams, as lead or helping team.",
        "*lead*: what one of them has as lead team. *unit*: everything in the unit of the grant",
        "and below. *whole*: what belongs to the whole organisation, for those who hold the role",
        "in the unit at the top. *·*: not at all. What one may not see answers 404.",
        "",
        "| right | " + " | ".join(heads) + " |",
        "|---|" + "---|" * len(heads),
    ]
    for action, row in MATRIX.items():
        mark = " *" if action in NEVER_ON_OWN_WORK else ""
        cells = " | ".join(REACHES[row[role]] for role in Role)
        lines.append(f"| `{action}`{mark} | {cells} |")
    lines += [
        "",
        "\\* never on a request that the person worked on, or that a team which they lead has,",
        "whatever else they hold; nor by its private link where the browser is signed in as them.",
        "",
    ]
    return "\n".join(lines)


def domain() -> str:
    """Return docs/domain.md: the life cycle drawn from the transition table."""
    lines = [
        "# The life of a service request",
        "",
        NOTE,
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> submitted: submit",
    ]
    moves: dict[tuple[Status, Status], list[str]] = {}
    for (before, step), after in TRANSITIONS.items():
        if before is not after:
            moves.setdefault((before, after), []).append(step.value)
    lines += [
        f"    {before.value} --> {after.value}: {', '.join(steps)}"
        for (before, after), steps in moves.items()
    ]
    lines += [
        "    closed --> [*]",
        "```",
        "",
        "| status | 中文 | steps that can be taken |",
        "|---|---|---|",
    ]
    for status in Status:
        steps = [step.value for (before, step) in TRANSITIONS if before is status]
        lines.append(f"| `{status}` | {CHINESE[status]} | {', '.join(steps)} |")
    lines += ["", "| step | right it asks for |", "|---|---|"]
    for step in Step:
        right = RIGHT_FOR[step]
        lines.append(f"| `{step}` | {f'`{right}`' if right else 'the system takes it'} |")
    lines += ["", f"Outcomes: {', '.join(f'`{o}`' for o in lifecycle.Outcome)}.", ""]
    lines += ["## What steps ask for besides", ""]
    for rule in (
        dispatch.assign,
        dispatch.decline,
        dispatch.return_,
        handling.resolve,
        handling.days_tried,
        handling.has_evidence,
        clocks.set_clocks,
    ):
        lines += [f"### `{rule.__name__.strip('_')}`", "", inspect.getdoc(rule) or "", ""]
    lines += ["## Parts for helping teams", "", inspect.getdoc(parts) or "", ""]
    lines += ["## How the clock counts", "", inspect.getdoc(limits) or "", ""]
    return "\n".join(lines)


A_PRODUCTION = (
    "## A production",
    "",
    "```sh",
    "DEMO=0 \\",
    "SECRET_KEY=… \\",
    "DATABASE_URL=postgresql://shishi:…@db.example/shishi \\",
    "PUBLIC_URL=https://help.town.example TRUSTED_PROXIES=1 \\",
    "SMTP_URL=smtp://shishi:…@mail.example:587 MAIL_FROM='Help desk <help@town.example>' \\",
    "make run",
    "",
    "# Once, on the empty database: prints a link by which the first administrator begins.",
    ".venv/bin/flask --app app accounts create-administrator",
    "```",
    "",
    "`make run` migrates the database first and runs the web server and the worker. On several",
    "machines run `granian --interface wsgi app:app` and `flask --app app jobs work` on each, and",
    "`flask --app app db upgrade` once before.",
)
DEFAULTS_IN_WORDS = {
    "database_url": "sqlite:///instance/shishi.db",
    "instance_path": "instance",
    "smtp_url": "none",
    "secret_key_fallbacks": "none",
    "secret_key": "none",
}


def configuration() -> str:
    """Return docs/configuration.md: every setting, its default and what it does."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "All come from the environment; anything unsafe or unreadable is refused by name at the start.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
        "| `PORT` | `8000` | Where `make run` listens. |",
        "| `HOST` | `127.0.0.1` | On which address `make run` listens; `0.0.0.0` for all of them. |",
    ]
    names = {"environment": "SHISHI_ENV", "debug": "FLASK_DEBUG"}
    for name, default, text in _documented_fields(config.Settings):
        if name.startswith("argon2"):
            continue
        shown = DEFAULTS_IN_WORDS.get(name, default)
        more = (
            (" `make run` turns it on unless `DEMO=0`, or where somebody is not invented.")
            if name == "demo"
            else ""
        )
        lines.append(f"| `{names.get(name, name.upper())}` | `{shown}` | {text}{more} |")
    return "\n".join([*lines, "", *A_PRODUCTION, ""])


def statistics() -> str:
    """Return docs/statistics.md: the definition of each figure, from the docstrings."""
    lines = ["# How the figures are defined", "", NOTE, inspect.getdoc(definitions) or "", ""]
    for module in (definitions, values, counting):
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(thing) or inspect.isclass(thing):
                lines += [f"## `{name}`", "", inspect.getdoc(thing) or "", ""]
    return "\n".join(lines)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/permissions.md": permissions,
    "docs/domain.md": domain,
    "docs/configuration.md": configuration,
    "docs/statistics.md": statistics,
}


def _documented_fields(kind: type) -> Iterator[tuple[str, str, str]]:
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - it is a class by the signature
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            text = ast.literal_eval(after.value)
            default = ast.unparse(field.value) if field.value else "required"
            if "field(" in default:
                default = "" if "default=()" in default else "required"
            default = default.removeprefix("f").strip("'\"")
            yield ast.unparse(field.target), default, " ".join(text.split())


def main() -> int:
    """Write or check every document; return the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, make in DOCUMENTS.items():
        path, text = ROOT / name, make().rstrip() + "\n"
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for name in stale:
        print(f"{name}: {'is not current' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

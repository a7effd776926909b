"""The checks of `make check` that need no tool of their own, and proof that contracts bite."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.rules import ROOT
from tools import print_docs, translations

PLANTED = {
    "A feature imports only what is below it": (
        "accounts/planted.py",
        "from tracker.teams import models\n",
    ),
    "The rules import no framework": ("errors.py", "import flask\n"),
    "What changes and reads data knows nothing of the web": (
        "teams/queries.py",
        "from tracker.web import paging\n",
    ),
    "Inside a feature: pages, forms, actions, queries, models, rules": (
        "service_requests/lifecycle.py",
        "from tracker.service_requests import models\n",
    ),
}


def test_every_text_is_translated_into_chinese() -> None:
    texts = translations.merged(translations.texts_in_source(), translations.read_catalogue())
    assert list(translations.problems(texts.values())) == []


@pytest.mark.parametrize("document", print_docs.DOCUMENTS)
def test_documents_printed_from_code_are_current(document: str) -> None:
    printed = print_docs.DOCUMENTS[document]().rstrip() + "\n"
    assert (ROOT / document).read_text() == printed, "run `python -m tools.print_docs`"


def test_imports_keep_their_contracts() -> None:
    answer = _lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_contract_finds_what_is_planted_against_it(contract: str, tmp_path: Path) -> None:
    file, line = PLANTED[contract]
    shutil.copytree(
        ROOT / "tracker", tmp_path / "tracker", ignore=shutil.ignore_patterns("*.pyc", "*.po")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "tracker" / file
    planted.write_text((planted.read_text() if planted.exists() else "") + line)

    answer = _lint_imports(tmp_path)

    assert answer.returncode == 1, answer.stdout
    assert f"{contract} BROKEN" in " ".join(answer.stdout.split())


def _lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "COLUMNS": "300"},
    )

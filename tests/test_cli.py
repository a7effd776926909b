"""The `flask` command, and what a worker of the web server is spared."""

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from tests.architecture.rules import ROOT

ONLY_COMMANDS_NEED = (
    "alembic",
    "flask_migrate",
    "mako",
    "tracker.commands",
    "tracker.demo.commands",
)
FEW_NEED = ("numpy", "openpyxl", "pypinyin", "xlsxwriter")
"""What is loaded in the end by a process that is asked for it."""
OURS = {
    *("accounts", "backup", "db", "demo", "figures", "jobs", "rebuild-figures", "reindex"),
    *("requests", "restore", "verify"),
}


def test_help_names_every_command(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["--help"]).output
    assert {line.split()[0] for line in said.splitlines() if line.startswith("  ")} >= OURS


def test_migrations_are_a_command(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["db", "heads"]).exit_code == 0
    assert app.test_cli_runner().invoke(args=["db", "planted"]).exit_code != 0


def test_a_worker_of_the_web_server_loads_nothing_that_only_commands_or_few_need(
    tmp_path: Path,
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, app; print(*sys.modules)"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "s" * 64,
            "INSTANCE_PATH": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/shishi.db",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = told.stdout.split()
    assert "tracker.service_requests.views" in loaded
    assert [name for name in (*ONLY_COMMANDS_NEED, *FEW_NEED) if name in loaded] == []

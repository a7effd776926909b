"""`flask --app app …`, of which a web server's worker loads nothing."""

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup


class Commands(AppGroup):
    """Our commands, gathered when the first one is asked for.

    With them come migrations, the demonstration and what else no page needs: 12 MB in each worker.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(app.name)
        self._app = app

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        self._gather()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all, for `--help`."""
        self._gather()
        return super().list_commands(ctx)

    def _gather(self) -> None:
        import_module("tracker.commands").add_to(self._app)


def init_app(app: Flask) -> None:
    """Let the `flask` command find ours."""
    app.cli = Commands(app)

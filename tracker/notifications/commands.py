"""Commands about messages and scheduled jobs."""

import threading

import click
from flask.cli import AppGroup
from sqlalchemy import select

from tracker.clock import utc_now
from tracker.database import db
from tracker.errors import NotFoundError
from tracker.notifications import jobs, worker
from tracker.notifications.models import ScheduledRun

jobs_cli = AppGroup("jobs", help="Messages and scheduled jobs.")


@jobs_cli.command("work")
def work() -> None:
    """Send messages and run scheduled jobs until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    worker.stop_on_signals(stop)
    worker.work(stop)


@jobs_cli.command("list")
def list_jobs() -> None:
    """Show each job, when it runs and how it last went."""
    for job in jobs.registered().values():
        last = db.session.scalar(
            select(ScheduledRun)
            .where(ScheduledRun.name == job.name)
            .order_by(ScheduledRun.id.desc())
            .limit(1)
        )
        state = "never ran" if last is None else f"{last.slot}: {last.result or 'unfinished'}"
        click.echo(f"{job.name}  daily at {job.daily_at:%H:%M}  {state}")


@jobs_cli.command("run")
@click.argument("name")
def run(name: str) -> None:
    """Run the job NAME now."""
    try:
        result = jobs.run_now(name, now=utc_now())
    except NotFoundError as error:
        raise click.ClickException(str(error)) from None
    click.echo(result or "done")

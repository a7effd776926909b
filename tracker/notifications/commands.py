"""Commands about messages and scheduled jobs."""

import threading

import click
from flask.cli import AppGroup

from tracker.clock import utc_now
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
        last = next(iter(jobs.latest_runs(job.name, limit=1)), None)
        when = f"daily at {job.daily_at:%H:%M}" if job.every is None else f"every {job.every}"
        click.echo(f"{job.name}  {when}  {_state(last)}")


@jobs_cli.command("run")
@click.argument("name")
def run(name: str) -> None:
    """Run the job NAME now."""
    try:
        result = jobs.run_now(name, now=utc_now())
    except NotFoundError as error:
        raise click.ClickException(str(error)) from None
    click.echo(result or "done")


def _state(run: ScheduledRun | None) -> str:
    if run is None:
        return "never ran"
    if run.failed_at is not None and run.finished_at is None:
        return f"{run.slot}: failed with {run.failure} at {run.failed_at:%Y-%m-%d %H:%M} UTC"
    return f"{run.slot}: {run.result or 'done' if run.finished_at else 'unfinished'}"

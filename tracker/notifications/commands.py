"""Commands about messages and scheduled jobs."""

from flask.cli import AppGroup

jobs_cli = AppGroup("jobs", help="Messages and scheduled jobs.")

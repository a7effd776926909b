"""Commands about people."""

from flask.cli import AppGroup

accounts_cli = AppGroup("accounts", help="People and what they hold.")

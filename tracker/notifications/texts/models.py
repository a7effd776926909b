"""The words of one message, in one language, where an administrator changed them."""

from sqlalchemy import JSON, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Model
from tracker.notifications.texts.wording import Words


class MessageText(Model):
    """What goes in place of our words. A field that is empty leaves ours."""

    __tablename__ = "message_text"
    __table_args__ = (UniqueConstraint("kind", "step", "locale"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(32))
    """As `occasions` names it."""
    locale: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    short: Mapped[str] = mapped_column(String(200))
    before: Mapped[dict[str, str]] = mapped_column(JSON)
    """The words before the last change: what a change back puts in their place again."""
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it

    @property
    def name(self) -> str:
        """Return what the audit trail calls it."""
        return f"{self.kind}, {self.step} · {self.locale}"

    @property
    def words(self) -> Words:
        """Return what goes in place of ours."""
        return Words(self.subject, self.body, self.short)

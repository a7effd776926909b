"""Which words were changed."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from tracker.database import db
from tracker.notifications.texts.models import MessageText
from tracker.notifications.texts.occasions import Occasion
from tracker.notifications.texts.wording import Words


def text(occasion: Occasion, locale: str) -> MessageText | None:
    """Return what was entered for one message in a language; None where nobody ever changed it."""
    return db.session.scalar(
        select(MessageText).where(
            MessageText.kind == occasion.kind,
            MessageText.step == occasion.step,
            MessageText.locale == locale,
        )
    )


def changed(locale: str) -> Mapping[tuple[str, str], Words]:
    """Return the words that go in place of ours in a language, by kind and step."""
    rows = db.session.execute(
        select(
            MessageText.kind,
            MessageText.step,
            MessageText.subject,
            MessageText.body,
            MessageText.short,
        ).where(MessageText.locale == locale)
    )
    found = {(row.kind, row.step): Words(row.subject, row.body, row.short) for row in rows}
    return {key: words for key, words in found.items() if words != Words()}


def all_changed(locales: Sequence[str]) -> Mapping[str, frozenset[tuple[str, str]]]:
    """Return by language which messages go in other words than ours."""
    return {locale: frozenset(changed(locale)) for locale in locales}

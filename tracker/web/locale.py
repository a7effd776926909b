"""Languages: the reader's choice, else the browser's, else Chinese."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    TIMEDELTA_UNITS,
    format_date as babel_date,
    format_timedelta as babel_timedelta,
)
from babel.numbers import format_decimal, format_percent
from flask import Flask, g, has_app_context, has_request_context, request
from flask_babel import Babel, Domain, force_locale, get_locale

from tracker.clock import utc_now

CHINESE = "zh_Hans_CN"
ENGLISH = "en"
LOCALES = {CHINESE: "简体中文", ENGLISH: "English"}
LOADED = {name: Locale.parse(name) for name in LOCALES}
HTML_LANG = {CHINESE: "zh-Hans", ENGLISH: "en"}
COOKIE = "locale"
TEXT_SIZE_COOKIE = "text_size"
REMEMBERED: Final = 4096
"""How many moments, days and numbers are remembered as they are written."""


class OrganisationClock(Protocol):
    """Gives the organisation's time zone; handed in by `create_app`."""

    def __call__(self) -> str: ...  # noqa: D102 - the class says it


_time_zone_of: OrganisationClock = lambda: "Asia/Shanghai"  # noqa: E731 - replaced by init_app
babel = Babel()


def init_app(app: Flask, *, time_zone: OrganisationClock) -> None:
    """Choose the language of each request and format times in the organisation's zone."""
    global _time_zone_of  # noqa: PLW0603 - one wiring point, set once
    _time_zone_of = time_zone
    app.config["BABEL_DEFAULT_LOCALE"] = CHINESE
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    babel.init_app(app, locale_selector=chosen_locale)
    app.extensions["babel"].instance.domain_instance = _DOMAIN
    if not (
        Path(app.root_path) / "translations" / CHINESE / "LC_MESSAGES" / "messages.mo"
    ).is_file():
        app.logger.warning(
            "The texts in Chinese are not compiled, and pages are in English: "
            "python tools/translations.py compile"
        )
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of Jinja's i18n extension
        gettext=_gettext,
        ngettext=_ngettext,
        newstyle=True,
        pgettext=_pgettext,
        npgettext=_npgettext,
    )


def chosen_locale() -> str:
    """Return the language of this request: cookie, then browser, then Chinese."""
    if not has_request_context():
        return CHINESE
    chosen = request.cookies.get(COOKIE)
    if chosen in LOCALES:
        return chosen
    # best_match on full tags finds nothing for zh-Hans-CN or zh-TW.
    best = request.accept_languages.best_match(["zh", "en"])
    if best is None:
        for tag in request.accept_languages.values():
            if tag.lower().startswith("zh"):
                return CHINESE
            if tag.lower().startswith("en"):
                return ENGLISH
    return ENGLISH if best == "en" else CHINESE


class _Domain(Domain):  # type: ignore[misc]  # the package carries no types
    """The texts of the language that is spoken now.

    A page has a thousand of them. Flask-Babel looks up the language and its catalogue for each; this
    does so once a request.
    """

    def get_translations(self) -> NullTranslations:
        return _speech().catalogue

    def look_up(self) -> NullTranslations:
        """Return the catalogue as Flask-Babel finds it."""
        found: NullTranslations = super().get_translations()
        return found


_DOMAIN: Final = _Domain()


@dataclass(frozen=True, slots=True)
class _Speech:
    """The language that is spoken now, and its texts."""

    locale: str
    babel: Locale
    catalogue: NullTranslations


def _speech() -> _Speech:
    if not has_app_context():
        return _speech_now()
    here = g._get_current_object()  # noqa: SLF001 - asked a hundred times a page
    kept: _Speech | None = here.get("speech")
    if kept is None:
        kept = here.speech = _speech_now()
    return kept


def _speech_now() -> _Speech:
    locale = get_locale()
    is_english = locale is not None and locale.language == "en"
    name = ENGLISH if is_english else CHINESE
    return _Speech(name, LOADED[name], _DOMAIN.look_up())


def _gettext(text: str) -> str:
    return _speech().catalogue.gettext(text)


def _ngettext(one: str, many: str, count: int) -> str:
    return _speech().catalogue.ngettext(one, many, count)


def _pgettext(context: str, text: str) -> str:
    return _speech().catalogue.pgettext(context, text)


def _npgettext(context: str, one: str, many: str, count: int) -> str:
    return _speech().catalogue.npgettext(context, one, many, count)


def current_locale() -> str:
    """Return `zh_Hans_CN` or `en`."""
    return _speech().locale


@contextmanager
def in_locale(locale: str | None) -> Iterator[None]:
    """Speak `locale` inside, e.g. while a message is written to somebody."""
    before = g.pop("speech", None)
    try:
        with force_locale(locale if locale in LOCALES else CHINESE):
            yield
    finally:
        g.pop("speech", None)
        if before is not None:
            g.speech = before


def texts(locale: str) -> Callable[[str], str]:
    """Return what gives a text of the program in `locale`, as `_` does."""
    with in_locale(locale):
        return _speech().catalogue.gettext


def localized(thing: object, attribute: str = "name") -> str:
    """Return what people entered in the reader's language, or in the main one."""
    if thing is None:
        return ""
    if current_locale() == ENGLISH and (english := getattr(thing, f"{attribute}_en", None)):
        return str(english)
    return str(getattr(thing, attribute) or "")


def time_zone() -> ZoneInfo:
    """Return the organisation's time zone. Read once a request."""
    if not has_request_context():
        return ZoneInfo(_time_zone_of())
    here = g._get_current_object()  # noqa: SLF001 - asked for every time that a page says
    zone: ZoneInfo | None = here.get("time_zone")
    if zone is None:
        zone = here.time_zone = ZoneInfo(_time_zone_of())
    return zone


def local_datetime(moment: datetime) -> datetime:
    """Return `moment` on the organisation's clock."""
    return moment.astimezone(time_zone())


def format_datetime(moment: datetime | None) -> str:
    """Return date and time to the minute, e.g. `2026年11月23日 星期一 14:05`."""
    return "" if moment is None else _written_moment(moment, time_zone(), current_locale())


def format_day(day: date | datetime | None) -> str:
    """Return a date, e.g. `2026年11月23日 星期一`."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        return _written_day_of(day, time_zone(), current_locale())
    return _written_day(day, current_locale())


def format_due(moment: datetime | None) -> str:
    """Return by when something is due. What ends with a day has that day, e.g. `… 24:00`.

    For due times and limits alone: 00:00 of the next day reads as a day more.
    """
    return "" if moment is None else _written_due(moment, time_zone(), current_locale())


def format_due_day(moment: datetime | None) -> str:
    """Return the day on which something is due, the one that ends where it is due at its end."""
    return "" if moment is None else _written_due_day(moment, time_zone(), current_locale())


def format_until(moment: datetime | None, begins: datetime) -> str:
    """Return when what `begins` ends, e.g. `14:05`: with its day where that is another one."""
    if moment is None:
        return ""
    end = local_datetime(moment)
    is_same_day = end.date() == local_datetime(begins).date()
    return end.strftime("%H:%M") if is_same_day else format_datetime(moment)


def format_ago(moment: datetime | None) -> str:
    """Return how long ago or ahead `moment` is, e.g. `3 天前`, `in 2 hours`."""
    if moment is None:
        return ""
    delta = moment - utc_now()
    speech = _speech()
    said = (_rounded(delta), delta.days < 0, speech.locale)
    words = _WRITTEN_AGO.get(said)
    if words is None:
        words = babel_timedelta(delta, add_direction=True, locale=speech.babel)
        _WRITTEN_AGO[said] = words
    return words


_WRITTEN_AGO: dict[tuple[tuple[str, int], bool, str], str] = {}
"""Some hundred phrases: up to 51 minutes, 20 hours, 6 days, 4 weeks, 10 months, and the years."""


def _rounded(delta: timedelta) -> tuple[str, int]:
    """Return the unit and the number in which Babel says `delta`: its largest one, from 85 % on."""
    seconds = abs(delta.days * 86400 + delta.seconds)
    for unit, length in TIMEDELTA_UNITS:
        if seconds >= 0.85 * length:
            return unit, round(seconds / length)
    return "second", 0


def format_duration(duration: timedelta | float | None) -> str:
    """Return a length of time (a number means seconds), e.g. `2 天`."""
    if duration is None:
        return "–"
    if not isinstance(duration, timedelta):
        duration = timedelta(seconds=float(duration))
    return babel_timedelta(duration, threshold=1.5, locale=_speech().babel)


def format_days(days: float | None) -> str:
    """Return decimal days with one digit (two below one day), or a dash."""
    if days is None:
        return "–"
    return _written_number(days, f"#,##0.{'0' * _digits_of(days)}", current_locale())


def rounded_days(days: float) -> float:
    """Return decimal days as `format_days` shows them, for files that reckon on with them."""
    return round(days, _digits_of(days))


def _digits_of(days: float) -> int:
    return 2 if days < 1 else 1


def format_number(value: float | None) -> str:
    """Return a number with the language's separators, or a dash."""
    return "–" if value is None else _written_number(value, None, current_locale())


def format_share(share: float | None) -> str:
    """Return a share from 0 to 1 as a percentage with one digit, or a dash."""
    return "–" if share is None else _written_share(share, current_locale())


# The same days and numbers stand on page after page, and each takes some 50 microseconds to write.


@lru_cache(maxsize=REMEMBERED)
def _written_moment(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    here = moment.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
    return _written_minute(here, locale)


def _written_minute(here: datetime, locale: str) -> str:
    return _written_day_and(f"{here:%H:%M}", here.date(), locale)


def _written_day_and(minute: str, day: date, locale: str) -> str:
    # Some thousand days are remembered, the minutes of all years are not.
    comma = "" if locale == CHINESE else ","
    return f"{_written_day(day, locale)}{comma} {minute}"


@lru_cache(maxsize=REMEMBERED)
def _written_due(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    ended = _day_ended_at(moment, zone)
    if ended is None:
        return _written_moment(moment, zone, locale)
    return _written_day_and("24:00", ended, locale)


@lru_cache(maxsize=REMEMBERED)
def _written_due_day(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    ended = _day_ended_at(moment, zone)
    return _written_day(ended or moment.astimezone(zone).date(), locale)


def _day_ended_at(moment: datetime, zone: ZoneInfo) -> date | None:
    """Return the day that ends at `moment`, if one does; clocks may go from 24:00 to 01:00."""
    before = (moment.astimezone(UTC) - timedelta.resolution).astimezone(zone).date()
    return before if before < moment.astimezone(zone).date() else None


@lru_cache(maxsize=REMEMBERED)
def _written_day_of(moment: datetime, zone: ZoneInfo, locale: str) -> str:
    return _written_day(moment.astimezone(zone).date(), locale)


@lru_cache(maxsize=REMEMBERED)
def _written_day(day: date, locale: str) -> str:
    pattern = "y年M月d日 EEE" if locale == CHINESE else "EEE d MMM y"
    return babel_date(day, pattern, locale=LOADED[locale])


@lru_cache(maxsize=REMEMBERED, typed=True)
def _written_number(value: float, pattern: str | None, locale: str) -> str:
    return format_decimal(value, pattern, locale=LOADED[locale])


@lru_cache(maxsize=REMEMBERED, typed=True)
def _written_share(share: float, locale: str) -> str:
    return format_percent(share, "#,##0.0%", locale=LOADED[locale])

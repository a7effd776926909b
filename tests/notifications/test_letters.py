"""Each letter is shown in two ways, made of the same blocks: plain text, and HTML that loads nothing."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import html5lib
import pytest
from playwright.sync_api import Page

from tests.support.builders import Builders
from tests.support.chromium import Windows
from tests.support.letters import examples, letter_of
from tests.support.mail_server import MailServer
from tracker.database import db, transaction
from tracker.notifications import outbox, sending
from tracker.notifications.letters import Letter
from tracker.notifications.models import Message
from tracker.notifications.words import KINDS
from tracker.web.locale import HTML_LANG, LOCALES

ON_SQLITE: Final = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
IN_EACH_LANGUAGE: Final = pytest.mark.parametrize("locale", list(LOCALES))
HARM: Final = '<img src="https://evil.example/x.png" onerror="x()">{{ 7*7 }}\r\nBcc: x@evil.example'


def messages(a: Builders, **changed: object) -> Iterator[tuple[str, Message]]:
    """Give a message of each example, and what to call it."""
    for kind, step, payload in examples():
        with transaction():
            message = outbox.enqueue(
                kind, address="x@example.org", locale="en", payload=payload | changed, now=a.now
            )
        yield f"{kind} {step}".strip(), message


def letters(a: Builders, locale: str) -> Iterator[tuple[str, Letter]]:
    """Give the letter of each example, and those that are made of several."""
    staff, requesters = [], []
    for name, message in messages(a):
        yield name, letter_of(message, locale)
        if message.kind in ("staff_step", "ladder", "handed_over"):
            staff.append(message)
        if name in ("requester_step accept", "requester_step assign", "requester_step extend"):
            requesters.append(message)
    yield "several", letter_of(staff[0], locale, with_others=staff[1:4])
    yield "several, more than are named", letter_of(staff[0], locale, with_others=staff[1:])
    yield "several steps", letter_of(requesters[0], locale, with_others=requesters[1:])


def html_of(letter: Letter) -> Element:
    """Return the HTML of a letter; raises on what is not valid."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root: Element = parser.parse(letter.html)
    return root


def words_of(element: Element) -> Sequence[str]:
    """Return the words that HTML shows, but for addresses and the name at the top."""
    body = element.find("body")
    assert body is not None
    return _plain(" ".join(body.itertext()))


def _plain(text: str) -> Sequence[str]:
    """Return words without addresses, marks of quotes, and the colon before an address."""
    text = re.sub(r"[:：]\s*\n(?=https?://)", "\n", text)
    text = re.sub(r"^> ?", "", text, flags=re.MULTILINE)
    return [word for word in text.split() if not word.startswith(("http://", "https://"))]


def links_of(element: Element) -> list[str]:
    """Return where the links of HTML lead, each once, in order."""
    return list(dict.fromkeys(link.get("href") or "" for link in element.iter("a")))


def test_there_is_an_example_of_every_kind() -> None:
    assert {kind for kind, _step, _payload in examples()} == set(KINDS)


@ON_SQLITE
@IN_EACH_LANGUAGE
def test_both_forms_of_every_letter_say_the_same_and_lead_to_the_same(
    a: Builders, locale: str
) -> None:
    a.organisation(name="清溪市便民服务局", name_en="Qingxi Bureau of Services", phone="12345")
    for name, written in letters(a, locale):
        root = html_of(written)
        top = "清溪市便民服务局" if locale != "en" else "Qingxi Bureau of Services"
        assert written.subject, name
        expected = [*top.split(), *written.subject.split(), *_plain(written.text)]
        assert list(words_of(root)) == expected, name
        assert links_of(root) == list(
            dict.fromkeys(re.findall(r"^https?://\S+$", written.text, flags=re.MULTILINE))
        ), name


@ON_SQLITE
@IN_EACH_LANGUAGE
def test_html_loads_nothing_runs_nothing_and_says_its_language(a: Builders, locale: str) -> None:
    for name, written in letters(a, locale):
        root = html_of(written)
        assert root.get("lang") == HTML_LANG[locale], name
        tags = {element.tag for element in root.iter()}
        assert not tags & {"script", "style", "link", "img", "iframe", "form", "object"}, name
        assert len(list(root.iter("h1"))) == 1, name
        for element in root.iter():
            assert not {key for key in element.attrib if key.startswith("on") or key == "src"}
            assert "url(" not in element.get("style", "")
            assert element.tag == "a" or "href" not in element.attrib


@ON_SQLITE
@IN_EACH_LANGUAGE
def test_every_link_in_the_plain_text_has_a_line_of_its_own(a: Builders, locale: str) -> None:
    for name, written in letters(a, locale):
        for line in written.text.splitlines():
            assert "http" not in line or re.fullmatch(r"https?://\S+", line), name
        assert not re.search(r"\n\n\n|[ \t]\n|None|%\(", written.text), name


@ON_SQLITE
def test_what_people_wrote_is_shown_as_they_wrote_it_and_does_nothing(a: Builders) -> None:
    said = dict.fromkeys(
        ("name", "category", "category_en", "answer", "question", "thanks", "reason", "team_en"),
        HARM,
    )
    a.organisation(name=HARM.replace("\r\n", " "), name_en=HARM.replace("\r\n", " "))
    seen = set()
    for name, message in messages(a, giver=HARM, **said):
        written = letter_of(message)
        root = html_of(written)
        assert not list(root.iter("img")), name
        assert "49" not in written.text, name
        assert not re.search(r"[\r\n]", written.subject), name
        assert all("evil" not in link for link in links_of(root)), name
        if HARM.partition("\r")[0] in "".join(root.itertext()):
            seen.add(message.kind)
    assert seen == set(KINDS)


def test_the_mail_says_the_same_as_the_letter(
    a: Builders, server: MailServer, configure: Callable[..., None]
) -> None:
    configure(smtp_url=f"smtp://127.0.0.1:{server.port}")
    message = next(it for name, it in messages(a) if name == "requester_step wait, with a question")
    db.session.rollback()
    written = letter_of(message, "en")

    while sending.send_due(now=a.now):
        pass

    mail = next(it for it in server.mails if str(message.message_key) in it["Message-ID"])
    for kind, said in (("plain", written.text), ("html", written.html)):
        part = mail.get_body((kind,))
        assert part is not None
        assert part.get_content().replace("\r\n", "\n").strip() == said.strip()


def _sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@ON_SQLITE
@IN_EACH_LANGUAGE
@pytest.mark.parametrize("width", [390, 1280])
def test_every_letter_can_be_read_on_a_phone_and_on_a_screen(
    a: Builders,
    windows: Windows,
    assert_accessible: Callable[[Page], None],
    locale: str,
    width: int,
) -> None:
    a.organisation(name="清溪市便民服务局", name_en="Qingxi Bureau of Services", phone="12345")
    page = windows.open(locale=locale, width=width)
    seen: set[tuple[object, ...]] = set()
    for name, written in letters(a, locale):
        made_of = tuple(element.tag for element in html_of(written).iter())
        if made_of in seen:  # letters that are made alike look alike
            continue
        seen.add(made_of)
        page.set_content(written.html)
        assert _sideways(page) <= 0, name
        assert_accessible(page)
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('h1, p, li, a, blockquote')]"
            ".map(it => parseFloat(getComputedStyle(it).fontSize)))"
        )
        assert smallest >= 15, name
        wide = page.evaluate("document.querySelector('h1').closest('table').offsetWidth")
        assert wide <= 600, name
        for button in page.query_selector_all("td[bgcolor='#0e5a5e'] a"):
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44, name
            assert button.get_attribute("href") in written.text.splitlines(), name

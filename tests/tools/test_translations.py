"""The catalogue loses nothing, and says what keeps it from being complete."""

import json
from pathlib import Path

import pytest
from flask import Flask

from tools import translations
from tools.translations import Text

CATALOGUE = translations.CATALOGUE.read_text(encoding="utf-8")
SOURCE = {("", "Sent in"): Text("Sent in", files={"tracker/a.py"})}


def texts(**changes: object) -> dict[tuple[str, str], Text]:
    """Return one text of the source with its translation, changed as asked."""
    facts: dict[str, object] = {"chinese": "已提交", "files": {"tracker/a.py"}, **changes}
    text = Text("Sent in", **facts)  # type: ignore[arg-type]  # a test names any field
    return {text.key: text}


def problems(known: dict[tuple[str, str], Text]) -> list[str]:
    return list(translations.problems(known.values()))


def test_a_translated_text_is_no_problem() -> None:
    assert problems(texts()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chinese": ""}, "not translated: 'Sent in' in tracker/a.py"),
        ({"is_unsure": True}, "marked fuzzy: 'Sent in'"),
        ({"files": set()}, "retired, run `prune`: 'Sent in'"),
    ],
)
def test_what_is_incomplete_is_named(changes: dict[str, object], message: str) -> None:
    assert problems(texts(**changes)) == [message]


@pytest.mark.parametrize(
    ("english", "plural", "chinese", "is_right"),
    [
        ("Hello %(name)s", "", "%(name)s，您好", True),
        ("Hello %(name)s", "", "您好", False),
        ("Hello", "", "%(name)s，您好", False),
        ("One day", "%(num)d days", "%(num)d 天", True),
        ("One day", "%(num)d days", "几天", False),
        ("100 %% of %(all)s", "", "%(all)s 的 100 %%", True),
    ],
)
def test_placeholders_must_agree(
    english: str, plural: str, chinese: str, *, is_right: bool
) -> None:
    text = Text(english, plural, chinese=chinese, files={"a.py"})
    assert (problems({text.key: text}) == []) is is_right


def test_a_text_that_leaves_the_source_and_comes_back_keeps_its_translation(tmp_path: Path) -> None:
    catalogue = tmp_path / "messages.po"
    translations.write_catalogue(texts().values(), catalogue)

    gone = translations.merged({}, translations.read_catalogue(catalogue))
    translations.write_catalogue(gone.values(), catalogue)
    assert "#~ msgid" in catalogue.read_text()

    back = translations.merged(SOURCE, translations.read_catalogue(catalogue))
    assert back["", "Sent in"].chinese == "已提交"
    assert problems(back) == []


def test_writing_what_was_read_changes_nothing(tmp_path: Path) -> None:
    catalogue = tmp_path / "messages.po"
    known = [
        *texts().values(),
        Text("One day", "%(num)d days", chinese="%(num)d 天", files={"a"}),
        Text("May", context="month", chinese="五月", files={"a"}),
        Text('Two\nlines with a "quote"', chinese="两行", files={"a"}),
    ]
    translations.write_catalogue(known, catalogue)
    before = catalogue.read_text()

    read = translations.read_catalogue(catalogue)
    for text in read.values():
        text.files.add("a")
    translations.write_catalogue(read.values(), catalogue)

    assert catalogue.read_text() == before


def test_filling_takes_texts_plurals_and_contexts() -> None:
    known = {
        text.key: text
        for text in (
            Text("Sent in", files={"a"}),
            Text("One day", "%(num)d days", files={"a"}),
            Text("May", context="month", files={"a"}),
        )
    }
    given = {
        "Sent in": "已提交",
        "One day": ["%(num)d 天"],
        "month\x04May": "五月",
        "Later": "以后",
    }

    assert translations.fill(known, given) == [("", "Later")]
    assert [text.chinese for text in known.values()] == ["已提交", "%(num)d 天", "五月", "以后"]


@pytest.mark.parametrize("value", ["", "  ", 5, None, [], ["一", "二"]])
def test_filling_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(translations.TranslationsError):
        translations.fill({}, {"Sent in": value})


def test_texts_are_found_in_python_and_templates(tmp_path: Path) -> None:
    (tmp_path / "babel.cfg").write_text((translations.ROOT / "babel.cfg").read_text())
    (tmp_path / "tracker").mkdir()
    (tmp_path / "templates" / "teams").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "tracker" / "words.py").write_text(
        "a = _('A'); b = _l('B'); c = ngettext('Two', '%(num)d', n); d = pgettext('x', 'C')\n"
    )
    (tmp_path / "templates" / "teams" / "show.html").write_text(
        "{{ _('D') }}{% trans count=n %}\n  One\n{% pluralize %}\n  {{ count }}\n{% endtrans %}"
    )
    (tmp_path / "templates" / "README.md").write_text("{{ _('Not a page') }}")
    (tmp_path / "other" / "a.py").write_text("_('Not ours')")

    found = translations.texts_in_source(tmp_path)

    assert sorted((key, text.plural) for key, text in found.items()) == [
        (("", "A"), ""),
        (("", "B"), ""),
        (("", "D"), ""),
        (("", "One"), "%(count)s"),
        (("", "Two"), "%(num)d"),
        (("x", "C"), ""),
    ]


def test_a_file_that_cannot_be_parsed_is_named(tmp_path: Path) -> None:
    (tmp_path / "babel.cfg").write_text((translations.ROOT / "babel.cfg").read_text())
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "broken.html").write_text("{% if %}")
    with pytest.raises(translations.TranslationsError, match=r"broken\.html"):
        translations.texts_in_source(tmp_path)


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(["A"]))
    with pytest.raises(translations.TranslationsError):
        translations._read_json(path)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_app_cuts_texts_as_the_extraction_does(app: Flask) -> None:
    config = (translations.ROOT / "babel.cfg").read_text()
    for option in ("trim_blocks", "lstrip_blocks", "newstyle_gettext", "trimmed"):
        assert config.count(f"{option} = true") == config.count("[jinja2:")
    environment = app.jinja_env
    assert environment.trim_blocks
    assert environment.lstrip_blocks
    assert environment.policies["ext.i18n.trimmed"] is True
    assert environment.newstyle_gettext is True  # type: ignore[attr-defined]  # set by the extension


def test_a_mapping_has_one_word() -> None:
    assert "对照表" in CATALOGUE
    assert "对应关系" not in CATALOGUE

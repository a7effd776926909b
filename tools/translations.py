r"""The Chinese catalogue: kept in step with the source, filled from JSON, checked and compiled.

    python tools/translations.py update          add new texts, retire those no longer used
    python tools/translations.py add FILE.json   fill in translations, tell what still misses one
    python tools/translations.py prune           forget the retired ones
    python tools/translations.py check           fail on anything missing, unsure, retired or uneven
    python tools/translations.py compile         write the .mo files that the server reads

FILE.json is `{"English text": "中文", "One day": ["中文"]}`; a text with a context is keyed
`"context\u0004text"`. Whoever translates before the text is in the source loses nothing: it waits
among the retired ones (`#~`) until it is. A lock lets several people run this at once.
"""

import argparse
import fcntl
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
TRANSLATIONS: Final = ROOT / "tracker" / "translations"
LOCALE: Final = "zh_Hans_CN"
CATALOGUE: Final = TRANSLATIONS / LOCALE / "LC_MESSAGES" / "messages.po"
SOURCES: Final = ("tracker", "templates")
CONTEXT_MARK: Final = "\x04"

# None: the first argument. (1, 2): singular and plural. ((1, "c"), 2): a context, then the text.
KEYWORDS: Final[Mapping[str, Any]] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "trans": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
HEADER: Final = """\
# Shishi 实事 in Simplified Chinese.
# Written by tools/translations.py: add texts with its `add`, do not edit by hand.
msgid ""
msgstr ""
"Language: zh_Hans_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
PLACEHOLDER: Final = re.compile(r"%(?:%|\((\w+)\)[#0\- +]*[\d.]*[a-zA-Z])")

Key = tuple[str, str]  # context ("" for none), singular


class TranslationsError(Exception):
    """Something that the person at the keyboard must put right."""


@dataclass(slots=True)
class Text:
    """One text of the source, or one that was."""

    singular: str
    plural: str = ""
    context: str = ""
    chinese: str = ""
    is_unsure: bool = False
    files: set[str] = field(default_factory=set)

    @property
    def key(self) -> Key:
        """Return what tells this text from every other."""
        return self.context, self.singular

    @property
    def is_used(self) -> bool:
        """Tell whether the source still has this text."""
        return bool(self.files)


def texts_in_source(root: Path = ROOT) -> dict[Key, Text]:
    """Return every text that the Python source and the templates ask for.

    Raises `TranslationsError` naming the file that cannot be parsed: leaving it out would retire
    all of its translations.
    """
    with (root / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config, "babel.cfg")  # type: ignore[no-untyped-call]
    texts: dict[Key, Text] = {}
    current = ""

    def remember(filename: str, _method: str, _options: Mapping[str, Any]) -> None:
        nonlocal current
        current = filename

    # extract_from_dir matches the patterns of babel.cfg against paths below the folder it walks.
    folders = [folder for folder in SOURCES if (root / folder).is_dir()]
    wanted = [(pattern, method) for pattern, method in methods]
    try:
        for filename, _line, message, _comments, context in extract_from_dir(
            root,
            wanted,
            options,
            keywords=KEYWORDS,
            callback=remember,
            directory_filter=lambda folder: _is_source(Path(folder), root, folders),
        ):
            singular, plural = message if isinstance(message, tuple) else (message, "")
            if not singular:
                continue
            text = Text(singular, plural, context or "")
            text = texts.setdefault(text.key, text)
            text.plural = text.plural or plural
            text.files.add(filename)
    except Exception as problem:
        # Whatever a parser of half-written source raises, the person must learn which file it is.
        message = f"{current}: {type(problem).__name__}: {problem}"
        raise TranslationsError(message) from problem
    return texts


def read_catalogue(path: Path = CATALOGUE) -> dict[Key, Text]:
    """Return every translation that is kept, also of texts which the source no longer has."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=LOCALE, abort_invalid=True)
    kept: dict[Key, Text] = {}
    for message in (*catalogue.obsolete.values(), *catalogue):
        if not message.id:
            continue
        singular, plural = message.id if isinstance(message.id, tuple) else (message.id, "")
        chinese = message.string[0] if isinstance(message.string, tuple) else message.string
        text = Text(singular, plural, message.context or "", chinese or "", message.fuzzy)
        kept[text.key] = text
    return kept


def merged(source: Mapping[Key, Text], kept: Mapping[Key, Text]) -> dict[Key, Text]:
    """Return the texts of the source with the translations that are kept, and the retired ones."""
    texts = dict(source)
    for key, old in kept.items():
        if key in texts:
            texts[key].chinese = old.chinese
            texts[key].is_unsure = old.is_unsure
        elif old.chinese:
            texts[key] = old
    return texts


def write_catalogue(texts: Iterable[Text], path: Path = CATALOGUE) -> None:
    """Write the catalogue sorted by text and without line numbers, so that changes stay small."""
    buffer = BytesIO()
    write_po(buffer, _catalogue(texts), width=0, no_location=True, omit_header=True)
    _replace(path, HEADER.encode() + buffer.getvalue().rstrip() + b"\n")


def fill(texts: dict[Key, Text], given: Mapping[str, object]) -> list[Key]:
    """Put the Chinese of `given` into `texts`; return the keys that the source does not have.

    Raises `TranslationsError` on a value that is not a text or a list of one.
    """
    strangers = []
    for name, value in given.items():
        chinese = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(chinese, str) or not chinese.strip():
            message = f"{name!r}: expected a Chinese text or a list of one, not {value!r}."
            raise TranslationsError(message)
        context, mark, singular = name.partition(CONTEXT_MARK)
        key = (context, singular) if mark else ("", name)
        text = texts.setdefault(key, Text(key[1], context=key[0]))
        text.chinese = chinese
        text.is_unsure = False
        if not text.is_used:
            strangers.append(key)
    return strangers


def problems(texts: Iterable[Text]) -> Iterator[str]:
    """Tell what keeps the catalogue from being complete."""
    for text in sorted(texts, key=lambda text: text.key):
        where = ", ".join(sorted(text.files)) or "the catalogue"
        if not text.is_used:
            yield f"retired, run `prune`: {text.singular!r}"
        elif not text.chinese:
            yield f"not translated: {text.singular!r} in {where}"
        elif text.is_unsure:
            yield f"marked fuzzy: {text.singular!r}"
        else:
            wanted = placeholders(text.plural or text.singular)
            if placeholders(text.chinese) != wanted:
                yield (
                    f"placeholders differ: {text.singular!r} has {sorted(wanted)}, "
                    f"{text.chinese!r} has {sorted(placeholders(text.chinese))} in {where}"
                )


def placeholders(text: str) -> set[str]:
    """Return the names in `%(name)s` that `text` is filled with."""
    return {match[1] for match in PLACEHOLDER.finditer(text) if match[1]}


def compile_all(translations: Path = TRANSLATIONS) -> int:
    """Write a .mo beside each .po and return how many there are."""
    catalogues = sorted(translations.glob("*/LC_MESSAGES/*.po"))
    for path in catalogues:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parent.parent.name)
        buffer = BytesIO()
        write_mo(buffer, catalogue)
        _replace(path.with_suffix(".mo"), buffer.getvalue())
    return len(catalogues)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with _lock():
            return _run(options)
    except TranslationsError as problem:
        print(f"Nothing was changed. {problem}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.command == "compile":
        print(f"{compile_all()} catalogue(s) compiled.")
        return 0
    texts = merged(texts_in_source(), read_catalogue())
    if options.command == "check":
        return _check(texts.values())
    if options.command == "add":
        for path in options.files:
            for key in fill(texts, _read_json(path)):
                print(f"not in the source yet, kept: {key[1]!r}")
    if options.command == "prune":
        texts = {key: text for key, text in texts.items() if text.is_used}
    write_catalogue(texts.values())
    compile_all()
    _report(texts.values())
    return 0


def _check(texts: Iterable[Text]) -> int:
    found = list(problems(texts))
    print("\n".join(found) or "Every text is translated.")
    return 1 if found else 0


def _report(texts: Iterable[Text]) -> None:
    by_files: defaultdict[str, list[str]] = defaultdict(list)
    total = 0
    for text in texts:
        if text.is_used and not text.chinese:
            total += 1
            by_files[", ".join(sorted(text.files))].append(
                (text.context + CONTEXT_MARK if text.context else "") + text.singular
            )
    for files in sorted(by_files):
        print(f"\n{files}")
        for name in sorted(by_files[files]):
            print(f'    {json.dumps(name, ensure_ascii=False)}: "",')
    print(f"{total} text(s) still to translate." if total else "Every text is translated.")
    for problem in problems(text for text in texts if text.is_used and text.chinese):
        print(problem)


def _catalogue(texts: Iterable[Text]) -> Catalog:
    catalogue = Catalog(locale=LOCALE, fuzzy=False)
    retired = {}
    for text in sorted(texts, key=lambda text: (text.singular, text.context)):
        flags = {"fuzzy"} if text.is_unsure else set()
        message_id = (text.singular, text.plural) if text.plural else text.singular
        string = (text.chinese,) if text.plural else text.chinese
        message = catalogue.add(message_id, string, flags=flags, context=text.context or None)
        if not text.is_used:
            retired[catalogue._key_for(text.singular, text.context or None)] = message  # noqa: SLF001 - Babel offers no other way to write an obsolete text
    for key, message in retired.items():
        del catalogue._messages[key]  # noqa: SLF001
        catalogue.obsolete[key] = message
    return catalogue


def _read_json(path: Path) -> dict[str, object]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        message = f"{path}: {problem}"
        raise TranslationsError(message) from problem
    if not isinstance(given, dict):
        message = f'{path} must hold one object, {{"English": "中文"}}.'
        raise TranslationsError(message)
    return given


def _is_source(folder: Path, root: Path, folders: Iterable[str]) -> bool:
    if folder.name.startswith((".", "__")):
        return False
    return folder == root or folder.relative_to(root).parts[0] in folders


def _replace(path: Path, content: bytes) -> None:
    """Write in one step: whoever reads meanwhile sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


@contextmanager
def _lock() -> Iterator[None]:
    TRANSLATIONS.mkdir(parents=True, exist_ok=True)
    with (TRANSLATIONS / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("update", "prune", "check", "compile"):
        commands.add_parser(name)
    add = commands.add_parser("add")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())

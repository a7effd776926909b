"""Least data: masks for phone numbers, e-mail, names and addresses; what a text gives away.

Pure. A mask keeps enough to tell two people apart, and not enough to reach either.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

from tracker.search_text import level

HIDDEN: Final = "****"
_REST: Final = "***"

# ---------------------------------------------------------------- phone numbers

_CHINESE_MOBILE: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
_INVENTED: Final = re.compile(r"100000\d{5}", re.ASCII)
"""Numbers of demonstrations: no Chinese network gives out any that begin with 100000."""
_KEPT: Final = re.compile(r"\+86(?:(?P<begin>1[3-9]\d)\d{8}|100000\d{5})", re.ASCII)
"""A mobile or an invented number, in E.164."""
_EXTENSION: Final = re.compile("转|轉|分机|分機")
_LONGEST_PHONE: Final = 250
"""What phonenumbers is willing to read."""
_DIALLED: Final = re.compile(
    r"(?P<number>\(?\+?[0-9][0-9 ()./-]*)(?:(?:x|ext\.?) *(?P<extension>[0-9]{1,6}))?",
    re.ASCII | re.IGNORECASE,
)
_FEWEST_DIALLED: Final = 3
_MOST_DIALLED: Final = 15
"""Of E.164."""
_TEXTED_TYPES: Final = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.VOIP,
    }
)


def normalise_phone(text: str, region: str = "CN") -> str | None:
    """Return a phone number, as somebody typed it, in E.164: `+8613800138000`.

    A number without a country code is one of `region` (ISO 3166-1). Spaces, dashes, brackets
    and full-width digits are understood; an extension is dropped. None when it is no phone
    number that exists, also for a landline without its area code and for short numbers.
    """
    number = _parsed(text, region)
    if number is None or not _exists(number) or _lacks_trunk_zero(number, text):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


LONGEST_EMAIL: Final = 1_000
"""More is no address, and not looked through for one."""


def normalise_email(text: str) -> str | None:
    """Return an e-mail address in lower case and in one spelling: that of one mailbox.

    Domains are spelt in many ways that mail programs make into the same, as with a full-width dot.
    None when it is no address, or one that nobody can be written to by, or one that a mail program
    may take for several: lists of addresses, names beside them, and encoded words, which become
    lists when they are unpacked.
    """
    address = text.strip().lower()
    if "=?" in address or len(address) > LONGEST_EMAIL:
        return None
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


def takes_text_messages(phone: str) -> bool:
    """Tell whether a number in E.164 is one that text messages can be sent to: no landline, no hotline.

    In countries whose mobile numbers look like landlines, each of both is taken.
    """
    number = _parsed(phone, "ZZ")
    return number is not None and (
        _is_chinese_mobile(number)
        or _is_invented(number)
        or phonenumbers.number_type(number) in _TEXTED_TYPES
    )


def dialled(text: str) -> str | None:
    """Return what a telephone dials for a number as an office writes its own: `057185551234;ext=801`.

    As a link says it after `tel:` (RFC 3966, with the dialled digits as they are). Hotlines such as
    12345 are numbers here, too. None for anything that cannot be dialled.
    """
    plain = _EXTENSION.sub("x", _plain(text).strip())
    found = _DIALLED.fullmatch(plain)
    if found is None:
        return None
    digits = _digits(found["number"])
    if not _FEWEST_DIALLED <= len(digits) <= _MOST_DIALLED:
        return None
    plus = "+" if found["number"].lstrip("(").startswith("+") else ""
    extension = f";ext={found['extension']}" if found["extension"] else ""
    return f"{plus}{digits}{extension}"


def format_phone(phone: str, region: str = "CN") -> str:
    """Return a phone number as people of `region` write it: `138 0013 8000`.

    Numbers of other countries keep their country code. What is no phone number comes back as
    it is.
    """
    number = _parsed(phone, region)
    if number is None:
        return phone
    is_own = number.country_code == phonenumbers.country_code_for_region(region)
    way = PhoneNumberFormat.NATIONAL if is_own else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, way)


def mask_phone(phone: str, region: str = "CN") -> str:
    """Return a phone number with its middle hidden: `138****8000`, `010-****5678`.

    At least four digits are hidden, or all of them: a foreign number keeps its country code and
    its last two to four digits, and what is no phone number at all nothing but, when it is
    long, its last two. "" for "".
    """
    if kept := _KEPT.fullmatch(phone):  # nearly every number, in the spelling that we keep
        return f"{kept['begin'] or ''}{HIDDEN}{phone[-4:]}"
    digits = _digits(phone)
    if not digits:
        return HIDDEN if phone.strip() else ""
    number = _parsed(phone, region)
    if number is None or not phonenumbers.is_possible_number(number):
        return HIDDEN + _last(digits, 2)
    national = phonenumbers.national_significant_number(number)
    if number.country_code != 86:
        return f"+{number.country_code} {HIDDEN}{_last(national, 4)}"
    if _is_chinese_mobile(number):
        return f"{national[:3]}{HIDDEN}{national[-4:]}"
    area_digits = phonenumbers.length_of_geographical_area_code(number)
    if area_digits:
        return f"0{national[:area_digits]}-{HIDDEN}{_last(national[area_digits:], 4)}"
    return HIDDEN + _last(national, 4)


def _exists(number: PhoneNumber) -> bool:
    # Every Chinese mobile is taken: new ranges are in use before lists know them.
    return (
        phonenumbers.is_valid_number(number) or _is_chinese_mobile(number) or _is_invented(number)
    )


def _is_invented(number: PhoneNumber) -> bool:
    national = phonenumbers.national_significant_number(number)
    return number.country_code == 86 and bool(_INVENTED.fullmatch(national))


def _is_chinese_mobile(number: PhoneNumber) -> bool:
    national = phonenumbers.national_significant_number(number)
    return number.country_code == 86 and bool(_CHINESE_MOBILE.fullmatch(national))


def _lacks_trunk_zero(number: PhoneNumber, text: str) -> bool:
    """Tell a Chinese landline without its 0 in front: it is a reference or a slip, no number."""
    is_landline = phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    national = phonenumbers.national_significant_number(number)
    return number.country_code == 86 and is_landline and _digits(text).startswith(national)


def _last(digits: str, most: int) -> str:
    """Return the end of a number that may be shown while at least four digits stay hidden."""
    shown = max(0, min(most, len(digits) - len(HIDDEN)))
    return digits[len(digits) - shown :]


def _parsed(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(
            _EXTENSION.sub("x", _plain(text).strip())[:_LONGEST_PHONE], region
        )
    except NumberParseException:
        return None


def _digits(text: str) -> str:
    return "".join(character for character in _plain(text) if character in "0123456789")


def _plain(text: str) -> str:
    """Return `text`, of the same length, with plain digits, Latin letters and punctuation."""
    return text if text.isascii() else text.translate(_PLAIN)


class _Plain(dict[int, str]):
    """Each character's plain one, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain_character(chr(code))
        return plain


_PLAIN: Final = _Plain()
_CHINESE_DIGITS: Final = "〇零一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
_NUMERALS: Final = str.maketrans(_CHINESE_DIGITS, "0012345678912123456789")
# The first or the last of a run of numerals may belong to another word: 周三, or 一直 in 三五八一直在.
_FIRST_NUMERAL: Final = re.compile(rf"(?<![\d{_CHINESE_DIGITS}])[{_CHINESE_DIGITS}]")
_LAST_NUMERAL: Final = re.compile(rf"[{_CHINESE_DIGITS}](?![\d{_CHINESE_DIGITS}])")


def _counted(text: str) -> str:
    """Return `text`, of the same length, with Chinese numerals as the digits that they are read as."""
    return text if text.isascii() else text.translate(_NUMERALS)


def _readings(plain: str) -> Iterable[str]:
    """Return `plain` in the ways in which its numerals may be meant, each of the same length.

    As it stands first: in 张三 and a number behind it, the numeral is no digit of the number.
    """
    without_first = _FIRST_NUMERAL.sub("\n", plain)
    shorter = without_first, _LAST_NUMERAL.sub("\n", plain), _LAST_NUMERAL.sub("\n", without_first)
    return dict.fromkeys((plain, *map(_counted, (plain, *shorter))))


# On a text whose numerals are digits already: 十八, 三十二, 廿一, 一百零二, 一千八百零二, 第五.
# A 0 and a digit behind tens are a room on that floor: 十八零二 is 1802.
_TENS: Final = re.compile(
    r"第(?=[\d十拾廿卅])|(?<!\d)(?=\d?[千仟百佰十拾廿卅])"
    r"(?:([1-9])[千仟]0?)?(?:([1-9])[百佰]0?)?(?:([1-9])?([十拾廿卅]))?([1-9])?(?(4)(0\d)?)(?!\d)"
)
_TENFOLD: Final = {"廿": 20, "卅": 30}


def _in_digits(counted: str, origins: Sequence[int]) -> tuple[str, Sequence[int]]:
    """Return what `_counted` made of a text with tens and hundreds as digits, too, and where each stands.

    Without what makes a number the name of a thing: 第五号.
    """
    if not any(each in counted for each in "千仟百佰十拾廿卅第"):
        return counted, origins
    told, places, last = "", list[int](), 0
    for match in _TENS.finditer(counted):
        thousands, hundreds, tens, ten, ones, room = match.groups()
        value = 1000 * int(thousands or 0) + 100 * int(hundreds or 0) + int(ones or 0)
        value += _TENFOLD.get(ten, 10 * int(tens or 1)) if ten else 0
        if not value and match[0] != "第":
            continue  # 百姓
        digits = f"{value}{room or ''}" if value else ""
        told += counted[last : match.start()] + digits
        places += origins[last : match.start()]
        begins, ends = origins[match.start()], origins[match.end() - 1]
        places += [*([begins] * (len(digits) - 1)), ends] if digits else []
        last = match.end()
    return told + counted[last:], [*places, *origins[last:]]


def _plain_character(character: str) -> str:
    if "\uff01" <= character <= "\uff5e":  # full width
        return chr(ord(character) - 0xFEE0)
    if character == "\u3000" or (character.isspace() and character not in "\r\n"):
        return " "
    if unicodedata.category(character) == "Pd" or character == "\u2212":
        return "-"
    value = unicodedata.digit(character, None)  # with those in circles, and raised ones
    return character if value is None else str(value)


# ---------------------------------------------------------------- e-mail, name, address


def mask_email(email: str) -> str:
    """Return an e-mail address with all but the first character of the person hidden.

    `z***@example.com`; nothing of a person of one or two characters, nor of what is no address.
    """
    person, at, domain = email.strip().rpartition("@")
    if not at:
        return _REST if email.strip() else ""
    return f"{person[0] if len(person) > 2 else ''}{_REST}@{domain}"


# Family names of two characters; all others have one.
_LONG_FAMILY_NAME: Final = re.compile(
    r"欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|司空|端木|百里|东方|南宫"
    r"|独孤|呼延|东郭|南门|闻人|轩辕|澹台|公冶|宗政|濮阳|淳于|单于|太叔|申屠|仲孙|钟离|鲜于|闾丘"
    r"|拓跋|第五|歐陽|司馬|上官|諸葛|皇甫|尉遲|公孫|東方|南宮|獨孤|軒轅|鍾離|鮮于|閭丘"
)


def mask_name(name: str) -> str:
    """Return a name by its family name, `张**`, or by its first letter, `J***`.

    How long the name is, is not told. "" for "".
    """
    name = name.strip()
    if not name:
        return ""
    if not _is_chinese(name[0]):
        return name[0] + _REST
    is_long = len(name) > 2 and _LONG_FAMILY_NAME.match(name)
    return (name[:2] if is_long else name[0]) + "**"


# Where an address begins to tell the house: a number, a numeral before what it counts, a mark that
# ends its first part, or words that say whose house it is or beside what.
_HOUSE: Final = re.compile(
    r"[A-Za-z]?\d|[A-Za-z](?=座|栋|幢|区)|[,;:、。()]"
    r"|家(?=[里中旁门后前的那附对隔屋房红]|$)|[那这]里|隔壁|旁边|对面|钥匙|门[口前]|楼[上下]"
    r"|(?<=[省市区县旗州镇乡道街村屯路巷])[^\W\d_a-zA-Z](?:大[爷妈叔娘嫂]|[奶爷][奶爷]|阿姨|叔叔|先生|女士|师傅|老师)"
    r"|第?[一二三四五六七八九十百零〇两]{1,6}(?=[号號栋棟幢座楼樓层層单室户弄组組队隊排门])"
)
_AREA: Final = re.compile(
    r".*(?:省|市|[^\W\d_a-zA-Z]{2}[区區]|县|縣|旗|州|盟|镇|鎮|乡|鄉|街道|街|村|屯|路|大道|巷|胡同)"
)
_SPACED: Final = re.compile(r"\S+")
_LIVES_IN: Final = re.compile(r"的家在?|家在|住在")
_SHORT_NAME: Final = 2
"""Somebody's name may end as an area does, and is seldom longer."""
_NUMBERED: Final = re.compile(r"\S*(?:\d|\*{3})\S*")
"""A word with a digit, or with what stands in the place of some."""
_PART: Final = re.compile(r"[,;]")
_WAY: Final = re.compile(
    r"(?:stra(?:ß|ss)e|straat|gasse|weg|platz|allee|gatan|vägen)$"
    r"|\b(?:street|st|road|rd|lane|ln|avenue|ave|alley|boulevard|blvd|close|court|crescent|drive|dr"
    r"|mews|place|row|square|sq|terrace|way|village|town|district|county|community)\.?$",
    re.IGNORECASE,
)
"""How a part of an address ends that names a way or an area, not a house or a person."""
_WORDS_OF_A_WAY: Final = 2
_SOMEBODY: Final = re.compile(
    r"\b(?:mr|mrs|ms|mx|miss|mister|madam|mme|dr|prof|uncle|aunt|auntie|aunty|grandma|grandpa|granny"
    r"|grandmother|grandfather)\b\.?\s+[^\W\d]|\bfamily\b|\b(?:bei|chez)\b|\bc/o\b|\b(?:home|house|flat) of\b",
    re.IGNORECASE,
)
"""A person in an address."""


def mask_address(address: str) -> str:
    """Return an address down to its street, community or village, and hide the house.

    `深圳市坪山区金沙路***`; `*** Main Street, ***`; `***, Mill Lane`. No digit is left, nor a part that
    says whose house it is. An address that names no street or area is hidden altogether.
    """
    plain = _plain_address(address)
    if not any(map(_is_chinese, plain)):
        return _mask_latin_address(plain)
    street = _street(plain)
    kept = _without_whose(street)
    return kept if kept == plain else kept + _REST


def _plain_address(address: str) -> str:
    return unicodedata.normalize("NFKC", _plain(address)).strip()


def _street(plain: str) -> str:
    """Return a Chinese address as far as its last street or area before the house."""
    house = _HOUSE.search(plain)
    area = _AREA.match(plain[: house.start()] if house else plain)
    return area[0] if area else ""


def _without_whose(areas: str) -> str:
    """Return the areas at the end, without who lives there, as far as a space or a word parts them.

    `李四 柳桥路`, `张大伟的家在柳桥路`: a name right before a street is not told from it.
    """
    kept = len(areas)
    for word in reversed(list(_SPACED.finditer(areas))):
        is_last = word.end() == len(areas)
        if _AREA.fullmatch(word[0]) is None or not (is_last or len(word[0]) > _SHORT_NAME):
            break
        kept = word.start()
        if lives := list(_LIVES_IN.finditer(word[0])):
            kept += lives[-1].end()
            break
    return areas[kept:]


def _mask_latin_address(plain: str) -> str:
    """Tell ways alone: what else stands there may be the name of a house, or of who lives in it."""
    masked = ""
    for part in (part.strip() for part in _PART.split(plain)):
        told = _way_of(part)
        if part and not (told == _REST and masked.endswith(_REST)):
            masked += f", {told}" if masked else told
    return masked


def _way_of(part: str) -> str:
    """Return the way that a part of an address names, and where numbers and houses stand by it.

    Behind a number a way may have many words; elsewhere what stands before its last ones may be
    the name of a house, or whose it is.
    """
    stretches = [stretch.split() for stretch in _NUMBERED.split(part)]
    for place, words in enumerate(stretches):
        if not words or _WAY.search(" ".join(words)) is None:
            continue
        way = words if place else words[-_WORDS_OF_A_WAY:]
        if _SOMEBODY.search(" ".join(way)):
            continue
        before, after = place > 0 or len(way) < len(words), place < len(stretches) - 1
        return " ".join([*([_REST] * before), *way, *([_REST] * after)])
    return _REST


@cache
def _is_chinese(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK ")


# ---------------------------------------------------------------- personal data in free text


SHORTEST_TOLD: Final = 2
SHORTEST_PLACE: Final = 4
"""So many letters and digits in a row, a digit among them, tell a house."""
BESIDE_PLACE: Final = ",;，。；"
_UNSEEN: Final = frozenset({"Cf", "Mn", "Me"})
"""Categories of what stands in or around other characters: joiners, accents, the frame of a keycap."""
_WITHIN_WORDS: Final = frozenset("·・‧•.-_*/\\'’|~")


TELLING_DIGITS: Final = 7
"""So many last digits of a telephone number reach somebody who lives where it does."""
_NAME_PARTS: Final = re.compile(r"[\s·・‧•]+")
_NAME_OF_SOMEBODY: Final = re.compile(
    r"[\u3400-\u9fff]{2,4}|[\uac00-\ud7af]{2,4}|[\u3040-\u30ff]{2,6}|\b[A-Z][^\W\d_]{2,}"
)
"""A name in somebody's own words: a short run of a script without capitals, or what has one."""
_NOBODY: Final = re.compile(
    r"隔壁|邻居|楼[上下]|对[面门]|门[卫口]|保安|物业|社区|小区|村[里委民]?|志愿者?|公司|人员|工作|阿姨|叔叔"
    r"|师傅|老师|医生|书记|主任|经理|先生|女士|太太"
    r"|大[爷妈叔娘嫂]|奶奶|爷爷|女儿|儿子|老[公婆伴师板]|妈妈?|爸爸?|孩子|电话|号码|手机|联系|转告|地址|住在?"
    r"|家(?=[里的人楼对旁隔,。;、\s]|$)|[我你他她的在请找敲问打给或叫那这]"
    # When somebody is in. 周 is a family name, too, as 白, 凌 and 夏 are: 周一鸣, 白天宇.
    r"|[周週]末|(?:星期|[礼禮]拜)[一二三四五六日天末]?|(?:[周週][一二三四五六日天]|白天|凌晨|[春夏秋冬]天)"
    r"(?=$|[^\u3400-\u9fff]|和[周週]|[上下中]午|傍晚|[周週二三四五六七八九十日早晚白全到至及或的在都有没不休也前后以])"
    r"|[上下中]午|早[上晨]|晚上|傍晚|半夜|夜[里裡间晚]|平[时時常]|[今明后每全整]天|工作日|节假日|假期"
    r"|[一二三四五六七八九十两]{1,3}[点點][半钟多]?|小时|分钟|[之以][前后]|左右|随时|有时|经常|通常|一般|一直|总是"
    r"|时[候间]|[上下早晚]班|[上放]学|休息|[回出]来|方便|有[人空]|[都也]?可以|[都也]行|任何(?=时|人|一)|不限|[早中午晚]饭[前后]?|午[后睡休]"
    r"|(?:端午|中秋|国庆)(?:节|(?=放?假|长假|期间|前后))|春节"
    r"|\b(?:the|this|that|please|ring|ask|call|knock|tell|phone|number|next|door|shop|house|flat|floor|gate"
    r"|neighbou?rs?|family|friend|son|daughter|wife|husband|mother|father|sister|brother|from|for|and|with"
    r"|upstairs|downstairs|opposite|behind|front|above|below|left|right|lives?|mr|mrs|ms|miss|mister|madam"
    r"|dr|uncle|aunt|auntie|grandma|grandpa|old|young|you|our|his|her|their|its|can|when|who|where"
    # When, without April, May and June, Day and Sun, and the like, which people are called, too.
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|mon|tue|tues|wed|thur|thurs|fri|sat|january|february"
    r"|july|september|october|november|december|(?:morning|afternoon|evening|night|weekend|weekday)s?"
    r"|noon|midday|midnight|days|daytime|daily|weeks?|months?|hours?|today|tonight|tomorrow|every|any|all|most"
    r"|always|usually|mostly|mainly|often|sometimes|never|before|after|until|till|between|during|around|about"
    r"|open|closed|home|away|back|out|except|only|both|either|not|but|anytime|breakfast|lunch|dinner"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|past)\b",
    re.IGNORECASE,
)
"""What is said beside a name, of anybody."""
_SPELT_NUMBER: Final = re.compile(r"\d(?:[^A-Za-z\d\n]{0,3}\d)+", re.ASCII)
# 18楼02室 is door 1802, on a text without spaces and dashes, too; 5楼1单元 and 5楼1点 are no doors.
_FLOOR: Final = "[楼樓层層Ff]"
_NO_ROOM: Final = r"(?!\d|单元|單元|[栋棟幢点點时時:])"
_FLOOR_AND_ROOM: Final = re.compile(
    rf"(?<!\d)(\d{{1,2}}){_FLOOR}的?[ ,-]{{0,2}}(\d{{1,2}}){_NO_ROOM}"
)
_TIME_OF_DAY: Final = r"(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?"
_HOURS: Final = re.compile(
    rf"(?<![\d-]){_TIME_OF_DAY} ?[-~] ?{_TIME_OF_DAY} ?(?:[点點时時]|[ap]\.?m\b|h\b|o.clock|uhr)",
    re.IGNORECASE,
)
"""From one hour to another, which without its dash looks like a door: 8-12点."""


_NAMED_BY_TITLE: Final = re.compile(
    r"([^\W\d_a-zA-Z壁居下上面门口里的人楼边位个找请问给和跟叫是老大小这那家区](?:阿姨|叔叔?|大[爷妈叔娘嫂]|奶奶|爷爷|姐姐?|哥哥?|嫂子?"
    r"|保安|师傅|老师|老板|医生|书记|主任|经理|先生|女士|太太))"
    r"|\b(?:[Mm](?:rs?|s|iss|ister|adam)|[Dd]r|[Uu]ncle|[Aa]unt(?:ie|y)?)\b\.?\s+([A-Z]\w+)"
)
"""A family name before a title, or after one, though either may be an everyday word: 李阿姨, Ms Young."""


def names_that_tell(people: Iterable[str | None], place: str, neighbour: str = "") -> Sequence[str]:
    """Return what gives people away on a board: their names, what they are called by, their doors.

    `neighbour`: who passes things on, in somebody's own words.
    """
    names = [name.strip() for name in people if name]
    told = unicodedata.normalize("NFKC", neighbour)
    titled = [
        found for match in _NAMED_BY_TITLE.finditer(told) for found in match.groups() if found
    ]
    beside = _NOBODY.sub(" ", told)
    names += _NAME_OF_SOMEBODY.findall(beside)
    # Called by the given name alone, or told to come to 302.
    given = [name[-2:] for name in names if len(name) > 2 and not name.isascii()]
    given += [part for name in names for part in _NAME_PARTS.split(name) if len(part) > 2]
    house = _house(place)
    counted, _ = _in_digits(_counted(house), range(len(house)))
    doors = [*re.findall(r"\d{3,}", house), *re.findall(r"\d{3,}", counted)]
    doors += [f"{floor}{room:0>2}" for floor, room in _FLOOR_AND_ROOM.findall(counted)]
    return [*names, *titled, *given, *doors, *_names_of_houses(house)]


def _spellings(door: str) -> str:
    """Return a regular expression of what is read as a door: 1802, 18楼2室."""
    floor, room = door[:-2], door[-2:].removeprefix("0")
    return rf"{door}|{floor}{_FLOOR}的?0?{room}{_NO_ROOM}" if floor else door


def _house(place: str) -> str:
    """Return what an address says behind its street, or all of one that is not Chinese."""
    plain = _plain_address(place)
    return plain[len(_street(plain)) :] if any(map(_is_chinese, plain)) else plain


def _names_of_houses(house: str) -> Iterator[str]:
    """Give the parts that tell a house without a digit, nor a street: Rose Cottage, 金桂苑甲栋乙单元."""
    for part in re.split(r"[,;。、()\n]", house):
        words = part.split()
        names_a_way = any(_WAY.search(" ".join(words[: end + 1])) for end in range(len(words)))
        is_numbered = _NUMBERED.search(_counted(part)) is not None
        if len(part.strip()) >= SHORTEST_PLACE and not (names_a_way or is_numbered):
            yield part.strip()


def numbers_that_tell(phone: str | None, neighbour: str) -> Sequence[str]:
    """Return the digits of the telephone numbers of who asks, and of who passes things on."""
    plain = _plain(neighbour)
    told = [phone or ""]
    for words in dict.fromkeys((plain, _counted(plain))):  # 一直 behind a number is no part of it
        told += [run[0] for run in _SPELT_NUMBER.finditer(words)]
    return [digits for digits in map(_digits, told) if len(digits) >= TELLING_DIGITS]


def told_again(
    text: str, *, names: Iterable[str | None], place: str | None, phones: Iterable[str]
) -> Sequence[slice]:
    """Return where in `text` somebody's own names, address and number stand, in no order.

    A name whole; of an address every stretch that tells the house; of a telephone number its last
    digits, with those before them. However wide or tall the letters are, with accents or without,
    and whatever spaces, dots or dashes stand between them. A name without a letter or digit ("…") tells nobody.
    """
    bare, origins = _bare(text)
    counted, counted_origins = _in_digits(_counted(bare), origins)
    found = []
    for name in names:
        wanted, _ = _bare(name or "")
        if len(wanted) < SHORTEST_TOLD or not any(map(str.isalnum, wanted)):
            continue
        # A door is told in numerals, too; somebody's name that has some is no number.
        searched, places = (counted, counted_origins) if wanted.isdecimal() else (bare, origins)
        sought = _spellings(wanted) if wanted.isdecimal() else re.escape(wanted)
        for match in re.finditer(sought, searched):
            begin, end = places[match.start()], places[match.end() - 1] + 1
            if not (_is_one(text[begin - 1 : begin + 1]) or _is_one(text[end - 1 : end + 1])):
                found.append(slice(begin, end))
    found += [
        slice(counted_origins[begin], counted_origins[end - 1] + 1)
        for begin, end in _places(counted, _bare_place(place or ""))
    ]
    hours = [match.span() for match in _HOURS.finditer(_plain(text))]
    found = [
        each
        for each in found
        if not any(begin <= each.start and each.stop <= end for begin, end in hours)
    ]
    for phone in phones:
        found += _spelt_numbers(text, phone)
    return found


def _spelt_numbers(text: str, phone: str) -> Iterator[slice]:
    """Give where the end of a number stands in `text`, in whatever groups and with whatever marks."""
    size = TELLING_DIGITS
    for run in _SPELT_NUMBER.finditer(_counted(_plain(text))):
        digits = [at for at in range(*run.span()) if run.string[at].isdecimal()]
        spelt, end = "".join(run.string[at] for at in digits), 0
        while (begin := spelt.find(phone[-size:], end)) >= 0:
            end = begin + size
            while begin > 0 and spelt[begin - 1 : end] == phone[-(end - begin + 1) :]:
                begin -= 1
            yield slice(digits[begin], digits[end - 1] + 1)


def _places(bare: str, place: str) -> Iterator[tuple[int, int]]:
    """Give each stretch of `bare` that stands in `place`, too, and tells the house.

    Around each digit that both have, as far as they agree.
    """
    in_place = [at for at, character in enumerate(place) if character.isdigit()]
    seen: dict[int, int] = {}
    for at in (at for at, character in enumerate(bare) if character.isdigit()):
        for there in in_place:
            if bare[at] != place[there] or at < seen.get(at - there, 0):
                continue
            begin, end = at, at + 1
            apart = at - there
            while min(begin, begin - apart) > 0 and bare[begin - 1] == place[begin - 1 - apart]:
                begin -= 1
            while end < min(len(bare), len(place) + apart) and bare[end] == place[end - apart]:
                end += 1
            seen[apart] = end
            stretch = bare[begin:end]
            begin += len(stretch) - len(stretch.lstrip(BESIDE_PLACE))
            end = begin + len(stretch.strip(BESIDE_PLACE))
            if end - begin >= SHORTEST_PLACE:
                yield begin, end


def _bare(text: str) -> tuple[str, Sequence[int]]:
    """Return what is left of `text` to compare it by, and where each of it stands.

    Without differences of width, case and accent, and without spaces, what cannot be seen, and
    marks that somebody may put between the letters of a word.
    """
    pairs = [
        (bare, origin)
        for origin, character in enumerate(text)
        if unicodedata.category(character) not in _UNSEEN
        for bare in level(character)
        if not (bare.isspace() or bare in _WITHIN_WORDS)
    ]
    return "".join(bare for bare, _ in pairs), [origin for _, origin in pairs]


def _bare_place(place: str) -> str:
    """Return an address to compare by: the numerals in the name of a street count nothing."""
    house = _house(place)
    street = _plain_address(place).removesuffix(house)
    counted = _counted(_bare(house)[0])
    return _bare(street)[0] + _in_digits(counted, range(len(counted)))[0]


def _is_one(both: str) -> bool:
    """Tell whether two characters belong to one word, or to one number: Ann in Anna, 30 in 302.

    Scripts without capitals write what follows a name right behind it.
    """
    return len(both) == 2 and (
        both.isdigit() or (both.isalpha() and all(each.lower() != each.upper() for each in both))
    )


class PersonalDataKind(StrEnum):
    """What was found in a text."""

    PHONE = "phone"
    ID_CARD = "id_card"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A place in a text: `text[start:end]` is the personal datum."""

    kind: PersonalDataKind
    start: int
    end: int


# What people put between the groups of a number. A full-width comma is a plain one by then.
_APART: Final = r"[ .,/_~·、。:|\n-]"
_ID_CARD: Final = re.compile(
    rf"(?<!\d)\d(?:{_APART}{{0,3}}\d){{16}}{_APART}{{0,3}}[\dXx](?!\d)", re.ASCII
)
# With the dot that a Chinese keyboard types, too: zhangsan@qq。com; and with a space or two around the @.
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9._%+-]{1,64} {0,2}@ {0,2}(?:[A-Za-z0-9-]{1,63}[.。]){1,8}[A-Za-z]{2,63}", re.ASCII
)
# Mobiles: in groups; in groups with the same marks between all, which lists of years and hours seldom
# have, and no sums of money; digit by digit. Landlines with an area code. Numbers with a country code.
_PHONE: Final = re.compile(
    r"(?<![\d+])(?:"
    r"(?:(?:\+|00)?86(?: {0,3}|[.-]))?1[3-9]\d(?: {0,3}|[.-])\d{4}(?: {0,3}|[.-])\d{4}"
    rf"|1[3-9]\d(?P<apart>{_APART}{{1,3}})(?:\d{{4}}(?P=apart)\d{{4}}|\d{{3}}(?P=apart)\d{{5}})(?! ?[元块塊])"
    rf"|1[3-9]\d\d(?P<mark>[ ./_-]{{1,3}})\d{{3}}(?P=mark)\d{{4}}"
    rf"|1{_APART}{{1,3}}[3-9](?:{_APART}{{1,3}}\d){{9}}"
    r"|1 ?[3-9](?: ?\d){9}"
    rf"|\(?0\d{{2,3}}\)?{_APART}{{0,3}}\d{{3,4}}[ .-]{{0,3}}\d{{4}}"
    r"|(?:\+|(?<!\d-)00)[1-9]\d{0,3}(?:[ ()./_-]{0,3}\d){6,13}"
    r")(?!\d)",
    re.ASCII,
)
_SEPARATORS: Final = re.compile(_APART + "+")
# Persons have these; numbers that anyone may call (400, 800) are no personal data.
_PERSONAL_TYPES: Final = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK_CHARACTERS: Final = "10X98765432"


def find_personal_data(text: str, region: str) -> list[PersonalData]:
    """Return the phone numbers, Chinese identity-card numbers and e-mail addresses in `text`.

    In order, without overlaps; positions are those in `text` itself. Full-width digits, numbers in
    groups or digit by digit, in Chinese numerals, and what invisible characters stand in are found.
    Phone numbers must exist and identity-card numbers have the right check digit, so that
    references, dates and amounts are left alone.
    """
    plain, places = _visible(_plain(text))
    found: list[PersonalData] = []
    for told in _readings(plain):
        for seen in (*_id_cards(told), *_emails(told), *_phones(told, region)):
            datum = replace(seen, start=places[seen.start], end=places[seen.end])
            if all(datum.end <= other.start or datum.start >= other.end for other in found):
                found.append(datum)
    return sorted(found, key=lambda datum: datum.start)


def is_id_card_number(text: str) -> bool:
    """Tell whether `text` is a Chinese identity-card number: 18 places, a date since 1800, a check digit."""
    number = text.upper()
    if len(number) != 18 or not number.isascii() or not number[:17].isdecimal():
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    is_of_people = number[0] != "0" and "1800" <= number[6:10] < "2100"
    return is_of_people and number[17] == _ID_CHECK_CHARACTERS[total % 11]


def _visible(text: str) -> tuple[str, Sequence[int]]:
    """Return what can be seen of `text`, and where each character of it, and its end, stands in it."""
    if text.isascii():
        return text, range(len(text) + 1)
    places = [
        at for at, character in enumerate(text) if unicodedata.category(character) not in _UNSEEN
    ]
    return "".join(text[at] for at in places), [*places, len(text)]


def _matches(
    pattern: re.Pattern[str], text: str, is_real: Callable[[re.Match[str]], bool]
) -> Iterator[re.Match[str]]:
    """Give what matches and is real. What is not may begin before what is, and is gone into again."""
    at = 0
    while match := pattern.search(text, at):
        is_found = is_real(match)
        at = match.end() if is_found else match.start() + 1
        if is_found:
            yield match


def _id_cards(plain: str) -> Iterator[PersonalData]:
    def is_real(match: re.Match[str]) -> bool:
        return is_id_card_number(_SEPARATORS.sub("", match[0]))

    for match in _matches(_ID_CARD, plain, is_real):
        yield PersonalData(PersonalDataKind.ID_CARD, match.start(), match.end())


def _emails(plain: str) -> Iterator[PersonalData]:
    for match in _EMAIL.finditer(plain):
        yield PersonalData(PersonalDataKind.EMAIL, match.start(), match.end())


def _phones(plain: str, region: str) -> Iterator[PersonalData]:
    def is_real(match: re.Match[str]) -> bool:
        number = _parsed(_SEPARATORS.sub("", match[0]), "CN")
        return (
            number is not None and _is_personal(number) and not _lacks_trunk_zero(number, match[0])
        )

    for match in _matches(_PHONE, plain, is_real):
        yield PersonalData(PersonalDataKind.PHONE, match.start(), match.end())
    if region != "CN":
        for local in phonenumbers.PhoneNumberMatcher(plain, region):
            if _is_personal(local.number):
                yield PersonalData(PersonalDataKind.PHONE, local.start, local.end)


def _is_personal(number: PhoneNumber) -> bool:
    return _is_chinese_mobile(number) or phonenumbers.number_type(number) in _PERSONAL_TYPES

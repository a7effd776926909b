"""Masks tell people apart without giving them away; personal data in free text is found."""

import itertools
import re

import pytest
from hypothesis import given, strategies as st

from tracker.privacy import (
    PersonalDataKind,
    dialled,
    find_personal_data,
    format_phone,
    is_id_card_number,
    mask_address,
    mask_email,
    mask_name,
    mask_phone,
    normalise_email,
    normalise_phone,
    takes_text_messages,
)

anything = st.text(max_size=40)
# None begins with 179: so do the prefixes of carriers, 17909 and the like, which are dialled before a number.
mobiles = st.from_regex(r"1(?:[3-689][0-9]|7[0-8])[0-9]{8}", fullmatch=True)


# ---------------------------------------------------------------- phone numbers


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("13800138000", "+8613800138000"),
        (" 138 0013 8000 ", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("＋８６１３８００１３８０００", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("0755-2833 1234", "+8675528331234"),
        ("（0755）28331234", "+8675528331234"),
        ("010-12345678转801", "+861012345678"),
        ("400-810-8888", "+864008108888"),
        ("+44 20 7946 0018", "+442079460018"),
        ("+852 9123 4567", "+85291234567"),
        ("28331234", None),
        ("12345", None),
        ("110", None),
        ("1380013800", None),
        ("138001380000", None),
        ("4821093749", None),
        ("", None),
        ("无", None),
        ("zhang@example.com", None),
        ("1" * 1000, None),
    ],
)
def test_a_phone_number_is_understood_as_people_type_it(typed: str, expected: str | None) -> None:
    assert normalise_phone(typed) == expected


def test_a_number_without_a_country_code_is_of_the_region() -> None:
    assert normalise_phone("(617) 267-9400", "US") == "+16172679400"


@pytest.mark.parametrize(
    ("typed", "dials"),
    [
        ("0571-8555 1234", "057185551234"),
        ("（0571）8555 1234", "057185551234"),
        ("0571-85551234转801", "057185551234;ext=801"),
        ("0571-8555 1234 ext. 801", "057185551234;ext=801"),
        ("+86 571 8555 1234", "+8657185551234"),
        ("１２３４５", "12345"),
        ("400-810-8888", "4008108888"),
        ("555 0100", "5550100"),
        ("12", None),
        ("office@example.org", None),
        ("0571-8555 1234 or 12345", None),
        ("0571-8555 1234、12345", None),
        ("javascript:alert(1)", None),
        ("1" * 16, None),
        ("", None),
    ],
)
def test_what_an_office_writes_of_its_number_is_dialled(typed: str, dials: str | None) -> None:
    assert dialled(typed) == dials


@pytest.mark.parametrize(
    "number",
    ["+8613800138000", "+8619912345678", "+8610000012345", "+85291234567", "+16172679400"],
)
def test_text_messages_reach_what_is_or_may_be_a_mobile(number: str) -> None:
    assert takes_text_messages(number)


@pytest.mark.parametrize("number", ["+861012345678", "+864008108888", "+442079460018", "nothing"])
def test_text_messages_reach_no_landline(number: str) -> None:
    assert not takes_text_messages(number)


@given(mobiles)
def test_every_chinese_mobile_is_taken_even_of_a_new_range(mobile: str) -> None:
    assert normalise_phone(mobile) == f"+86{mobile}"


@given(anything | st.text("+0123456789 -()", max_size=20))
def test_a_normal_phone_number_stays_as_it_is(text: str) -> None:
    phone = normalise_phone(text)
    if phone is not None:
        assert re.fullmatch(r"\+[1-9][0-9]{4,16}", phone)
        assert normalise_phone(phone) == phone
        assert normalise_phone(format_phone(phone)) == phone


@pytest.mark.parametrize(
    ("phone", "region", "expected"),
    [
        ("+8613800138000", "CN", "138 0013 8000"),
        ("+8675528331234", "CN", "0755 2833 1234"),
        ("+442079460018", "CN", "+44 20 7946 0018"),
        ("+8613800138000", "US", "+86 138 0013 8000"),
        ("call me", "CN", "call me"),
    ],
)
def test_a_phone_number_is_written_as_people_write_it(
    phone: str, region: str, expected: str
) -> None:
    assert format_phone(phone, region) == expected


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("13800138000", "138****8000"),
        ("+8613800138000", "138****8000"),
        ("１３８ ００１３ ８０００", "138****8000"),
        ("010-12345678", "010-****5678"),
        ("+8675528331234", "0755-****1234"),
        ("+442079460018", "+44 ****0018"),
        ("+1 617-555-0123", "+1 ****0123"),
        ("28331234", "****1234"),
        ("12345", "****5"),
        ("110", "****"),
        ("unknown", "****"),
        ("", ""),
    ],
)
def test_a_phone_number_is_masked(phone: str, expected: str) -> None:
    assert mask_phone(phone) == expected


@given(anything | st.text("+0123456789 -", max_size=20) | mobiles)
def test_at_least_four_digits_of_a_phone_number_are_hidden(text: str) -> None:
    given_digits = sum(character.isdecimal() for character in text)
    shown = sum(character.isdecimal() for character in mask_phone(text))
    # Chinese landlines are shown with the 0 of their area code, though it may not be typed.
    assert shown <= max(0, given_digits - 4) + 1
    assert "****" in mask_phone(text) or not text.strip()


# ---------------------------------------------------------------- e-mail, name, address


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("zhang.san@example.com", "z***@example.com"),
        ("zs@example.com", "***@example.com"),
        ("z@example.com", "***@example.com"),
        ("例子先生@例子.中国", "例***@例子.中国"),
        ("no address", "***"),
        ("", ""),
    ],
)
def test_an_email_address_is_masked(email: str, expected: str) -> None:
    assert mask_email(email) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" Li@Example.org ", "li@example.org"),
        ("o'brien+a@x.yz", "o'brien+a@x.yz"),
        ("root,postmaster,b@x.yz", None),
        ("a@x.yz;b@x.yz", None),
        ("=?utf-8?q?v1=40evil.com=2C?=@x.yz", None),
        ("Li <li@x.yz>", None),
        ('"li"@x.yz', None),
        ("li@x.yz\r\nBcc: b@x.yz", None),
        ("a@b@x.yz", None),
        ("li@x。yz", "li@x.yz"),
        ("li@X－a．yz", "li@x-a.yz"),
        ("li@x.exampℓe", "li@x.example"),
        ("li@bücher.example", "li@bücher.example"),
        ("ｌi@x.yz", None),
        ("", None),
    ],
)
def test_an_email_address_is_that_of_one_mailbox(typed: str, expected: str | None) -> None:
    assert normalise_email(typed) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("张三", "张**"),
        ("张三丰", "张**"),
        ("王阿姨", "王**"),
        ("欧阳修", "欧阳**"),
        ("欧阳", "欧**"),
        ("𬱖先生", "𬱖**"),
        ("阿布都·热合曼", "阿**"),
        ("John Smith", "J***"),
        (" Łukasz ", "Ł***"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_name_is_masked(name: str, expected: str) -> None:
    assert mask_name(name) == expected


@given(st.text(min_size=1, max_size=20))
def test_a_mask_does_not_tell_how_long_a_name_is(name: str) -> None:
    assert len(mask_name(name)) <= 4


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("深圳市坪山区龙田街道金沙社区18栋3单元502室", "深圳市坪山区龙田街道金沙社区***"),
        ("深圳市坪山区金沙路12号王大爷家旁边", "深圳市坪山区金沙路***"),
        ("坪山区１２号", "坪山区***"),
        ("八一路十二号", "八一路***"),
        ("三元里大道", "三元里大道"),
        ("幸福小区A座三楼", "幸福小区***"),
        ("幸福小区三楼左边", "幸福小区***"),
        ("王家村王大爷家", "王家村***"),
        ("金沙社区老年活动中心对面", "金沙社区***"),
        ("金沙社区", "金沙社区"),
        ("18栋502", "***"),
        ("老王家后面", "***"),
        ("12 Main Street, Dorchester, MA 02124", "*** Main Street, ***"),
        ("Apt 4B, 12 Elm St", "***, *** Elm St"),
        ("李秀英家里", "***"),
        ("柳桥社区，钥匙在隔壁王老五那里", "柳桥社区***"),
        ("柳桥社区,李奶奶家对面的胡同", "柳桥社区***"),
        ("柳桥社区（王老五家后面的村）", "柳桥社区***"),
        ("王大爷家旁边的小区", "***"),
        ("李四 柳桥路18号", "柳桥路***"),
        ("王州 柳桥路", "柳桥路***"),
        ("上海市住友路5号", "上海市住友路***"),
        ("深圳市罗湖区居住区路5号", "深圳市罗湖区居住区路***"),
        ("李四住在柳桥路18号", "柳桥路***"),
        ("王大爷 柳桥路", "柳桥路***"),
        ("张大伟家 柳桥路18号", "柳桥路***"),
        ("张大伟的家在柳桥路18号", "柳桥路***"),
        ("李明明收 柳桥街道 柳桥路18号3栋", "柳桥街道 柳桥路***"),
        ("深圳市 坪山区 金沙路12号", "深圳市 坪山区 金沙路***"),
        ("石家庄市张家楼村", "石家庄市张家楼村"),
        ("柳桥村王大爷门口那条路", "柳桥村***"),
        ("柳桥村陈秀英楼下街口", "柳桥村***"),
        ("幸福里小区李奶奶家红门", "幸福里小区***"),
        ("Rose Cottage behind the temple, Mill Lane", "***, Mill Lane"),
        ("Rose Cottage, by the temple, Mill Lane", "***, Mill Lane"),
        ("Rose Cottage, 12 Mill Lane", "***, *** Mill Lane"),
        ("Rose Cottage Church Street", "*** Church Street"),
        ("Building C Willow Road", "*** Willow Road"),
        ("next to Ann Oh Road", "*** Oh Road"),
        ("12 Martin Luther King Boulevard", "*** Martin Luther King Boulevard"),
        ("Mill Lane", "Mill Lane"),
        ("Old Zhang's house next to the temple", "***"),
        ("Behind the mill, Mrs Zhang", "***"),
        ("Behind the mill, Anna Zhang", "***"),
        ("12 Mill Lane, Mrs. Zhang, Dorchester", "*** Mill Lane, ***"),
        ("c/o the Zhang family, 12 Elm Dr, Boston", "***, *** Elm Dr, ***"),
        ("Flat 3, Smith House, 12 Oak St, Dorchester", "***, *** Oak St, ***"),
        ("Hauptstraße 5, Hinterhaus bei Müller", "Hauptstraße ***"),
        ("12 King's Road; Yunxi", "*** King's Road, ***"),
        ("12 Main Street, Flat B, John Smith", "*** Main Street, ***"),
        ("12 Main St; ring at Wang Xiulan", "*** Main St, ***"),
        ("Mill Lane 12, back door, key under pot", "Mill Lane ***"),
        ("Mill Lane 12 John Smith", "Mill Lane ***"),
        ("John Smith 12 Mill Lane", "*** Mill Lane"),
        ("12 Mill Lane, Yunxi Town", "*** Mill Lane, Yunxi Town"),
        ("John Smith 5", "***"),
        ("Via Roma presso Anna Bianchi", "***"),
        ("the red door,", "***"),
        ("", ""),
    ],
)
def test_an_address_is_masked_down_to_its_area(address: str, expected: str) -> None:
    assert mask_address(address) == expected


@given(anything | st.text("深圳市坪山区金沙路三十栋号A1２ ", max_size=20))
def test_no_digit_of_an_address_is_left_and_a_mask_is_not_masked_again(address: str) -> None:
    masked = mask_address(address)
    assert not re.search(r"\d", masked)
    assert mask_address(masked) == masked


# ---------------------------------------------------------------- personal data in free text


def found_in(text: str, region: str = "CN") -> list[tuple[str, str]]:
    return [
        (datum.kind.value, text[datum.start : datum.end])
        for datum in find_personal_data(text, region)
    ]


KEYCAPS = [("phone", "\ufe0f\u20e3".join("13800138000") + "\ufe0f\u20e3")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的电话13800138000请联系", [("phone", "13800138000")]),
        ("１３８００１３８０００", [("phone", "１３８００１３８０００")]),
        ("电话:138-0013-8000", [("phone", "138-0013-8000")]),
        ("电话-138 0013 8000", [("phone", "138 0013 8000")]),
        ("3楼 +8613800138000", [("phone", "+8613800138000")]),
        ("0755－28331234找王阿姨", [("phone", "0755－28331234")]),
        ("(010) 1234 5678", [("phone", "(010) 1234 5678")]),
        ("call +44 20 7946 0018 now", [("phone", "+44 20 7946 0018")]),
        ("邮箱zhang.san@qq.com。", [("email", "zhang.san@qq.com")]),
        ("zhang＠qq.com", [("email", "zhang＠qq.com")]),
        ("身份证11010519491231002X", [("id_card", "11010519491231002X")]),
        ("110105 19491231 002x", [("id_card", "110105 19491231 002x")]),
        ("打138.0000.1111", [("phone", "138.0000.1111")]),
        ("1 3 8 0 0 0 0 1 1 1 1", [("phone", "1 3 8 0 0 0 0 1 1 1 1")]),
        ("1-3-8-0-0-0-0-1-1-1-1", [("phone", "1-3-8-0-0-0-0-1-1-1-1")]),
        ("138 000 01111", [("phone", "138 000 01111")]),
        ("打138\u200b0000\u200b1111吧", [("phone", "138\u200b0000\u200b1111")]),
        ("1\u200b3\ufeff800001111", [("phone", "1\u200b3\ufeff800001111")]),
        ("010.1234.5678", [("phone", "010.1234.5678")]),
        ("电话幺三八零零幺三八零零零", [("phone", "幺三八零零幺三八零零零")]),
        ("联系人张三13800138000", [("phone", "13800138000")]),
        ("打13800138000一次或两次", [("phone", "13800138000")]),
        ("张三110105194912310021X", []),
        ("王五110105.19491231.002X", [("id_card", "110105.19491231.002X")]),
        ("周三一三八〇〇一三八〇〇〇", [("phone", "一三八〇〇一三八〇〇〇")]),
        ("找小周一三八零零一三八零零零", [("phone", "一三八零零一三八零零零")]),
        ("周三一三八零零一三八零零零一直在", [("phone", "一三八零零一三八零零零")]),
        ("打138-001-38000", [("phone", "138-001-38000")]),
        ("138.001.38000", [("phone", "138.001.38000")]),
        ("1380-013-8000", [("phone", "1380-013-8000")]),
        ("138 - 0013 - 8000", [("phone", "138 - 0013 - 8000")]),
        ("138  0013  8000", [("phone", "138  0013  8000")]),
        ("138/0013/8000", [("phone", "138/0013/8000")]),
        ("打138，0013，8000，谢谢", [("phone", "138，0013，8000")]),
        ("138、0013、8000", [("phone", "138、0013、8000")]),
        ("138_0013_8000", [("phone", "138_0013_8000")]),
        ("138:0013:8000", [("phone", "138:0013:8000")]),
        ("138|0013|8000", [("phone", "138|0013|8000")]),
        ("138\n0013\n8000", [("phone", "138\n0013\n8000")]),
        ("13:30-14:30\n15:40-16:50\n18:00", []),
        ("0755/12345678", [("phone", "0755/12345678")]),
        ("0755--26001234", [("phone", "0755--26001234")]),
        ("0755 - 2600 - 1234", [("phone", "0755 - 2600 - 1234")]),
        ("0015 13800138000", [("phone", "13800138000")]),
        ("3栋012，138 0013 8000", [("phone", "138 0013 8000")]),
        ("7758 110101 19900307 7758", [("id_card", "110101 19900307 7758")]),
        ("ring 0044 7400 123456", [("phone", "0044 7400 123456")]),
        ("+44/7400/123456", [("phone", "+44/7400/123456")]),
        ("打" + "\ufe0f\u20e3".join("13800138000") + "\ufe0f\u20e3。", KEYCAPS),
        ("ID110101199003077758", [("id_card", "110101199003077758")]),
        ("sfz11010519491231002X", [("id_card", "11010519491231002X")]),
        ("110101/19900307/7758", [("id_card", "110101/19900307/7758")]),
        ("110101，19900307，7758", [("id_card", "110101，19900307，7758")]),
        ("zhangsan@qq。com，晚上", [("email", "zhangsan@qq。com")]),
        ("mail zhangsan @ qq.com", [("email", "zhangsan @ qq.com")]),
        ("110105.19491231.002X", [("id_card", "110105.19491231.002X")]),
        ("zs\u200b@qq.com", [("email", "zs\u200b@qq.com")]),
        (
            "13800138000，zs@qq.com，13900139000",
            [("phone", "13800138000"), ("email", "zs@qq.com"), ("phone", "13900139000")],
        ),
    ],
)
def test_personal_data_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found_in(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "编号482-109-3749，2026年2月14日14:30",
        "2026-02-14 10:00",
        "请打12345或110，热线400-810-8888",
        "110105194912310021",
        "110105199902300021",
        "金额12345678901元",
        "订单202602141380013800012",
        "坪山区金沙路12号3单元502",
        "15.12.2026 9.30",
        "13 14 15 16 17 18",
        "@qq.com",
        "补贴150，2000，3000元，或150、2000、3000块",
        "1990-2000，300人；1821-0937-40 13:00",
        "编号482-001-3749 2026-03-14",
        "周一、三、五，8:00 - 12:00，14:00 - 17:30",
        "0900-1130, 1400-1700; bus 138, 0900-1100",
        "二〇二六年三月十四日十五点三十分",
        "13,800,138,000",
        "REF110101199003077757",
        "110101179903077755",
        "see you @ 5 p.m., or @ noon. Thanks",
        "请到小区。com 是网址",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found_in(text) == []


def test_local_numbers_of_another_region_are_found() -> None:
    assert found_in("call 617-267-9400 now", "US") == [("phone", "617-267-9400")]


@given(anything, mobiles, anything)
def test_a_mobile_number_is_found_wherever_it_stands(before: str, mobile: str, after: str) -> None:
    text = f"{before}，{mobile}，{after}"
    start = len(before) + 1
    assert any(
        datum.start <= start and datum.end >= start + 11 for datum in find_personal_data(text, "CN")
    )


@given(st.text("0123456789+-@. aX，", max_size=60) | anything)
def test_what_is_found_is_in_order_and_apart(text: str) -> None:
    found = find_personal_data(text, "CN")
    assert all(0 <= datum.start < datum.end <= len(text) for datum in found)
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))
    assert all(datum.kind in PersonalDataKind for datum in found)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("11010519491231002X", True),
        ("11010519491231002x", True),
        ("440524188001010014", True),
        ("440524188001010015", False),
        ("110105194913310027", False),
        ("110101179903077755", False),
        ("1101051949123100", False),
        ("1101051949123100２X", False),
        ("", False),
    ],
)
def test_an_identity_card_number_has_a_date_and_a_check_digit(
    number: str, *, expected: bool
) -> None:
    assert is_id_card_number(number) == expected

"""Administrators set up where news goes; nobody reads an address or a secret again."""

import base64
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.receiver import Receiver, running
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.notifications import sending
from tracker.notifications.endpoints import addresses, news, queries
from tracker.notifications.endpoints.models import Endpoint, EndpointKind, News
from tracker.notifications.models import Channel, Message
from tracker.permissions import Role

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
WEBHOOK = "https://hooks.example.org/shishi?token=very-secret-token"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give somebody who takes everything."""
    with running(Receiver()) as made:
        yield made


@pytest.fixture
def desk(a: Builders, browser: Browser) -> Browser:
    """Give an administrator's browser."""
    return browser.sign_in(a.administrator())


def the_endpoint() -> Endpoint:
    return db.session.scalars(select(Endpoint)).one()


def test_only_administrators_at_the_top_set_them_up(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(a.unit())).open("/admin/endpoints/", status=403)
    browser.sign_in(a.holder(Role.COORDINATOR)).open("/admin/endpoints/new", status=403)


def test_a_webhook_is_set_up_tried_and_seen_to_arrive(
    a: Builders, desk: Browser, receiver: Receiver
) -> None:
    page = desk.send(
        "/admin/endpoints/new?kind=webhook",
        name="Our programme",
        hook_address=receiver.url("/hook?token=very-secret-token"),
        hook_secret=SECRET,
        news=["assigned", "overdue"],
    )
    assert "Nothing was sent yet" in page.text
    assert addresses.opened(the_endpoint().sealed) == (
        receiver.url("/hook?token=very-secret-token"),
        SECRET,
    )

    desk.click("Send a test message: Our programme")
    sending.send_due(now=a.now)

    assert [taken.json["type"] for taken in receiver.taken] == ["test"]
    assert "arrived" in desk.open("/admin/endpoints/").text


def test_a_new_webhook_is_offered_a_secret_that_nobody_guesses(desk: Browser) -> None:
    found = {
        word
        for _turn in range(2)
        for word in desk.open("/admin/endpoints/new?kind=webhook").text.split()
        if word.startswith("whsec_") and len(word) > 20
    }
    assert len(found) == 2
    assert all(addresses.key_of(one) is not None for one in found)


def test_what_is_secret_is_never_shown_again(a: Builders, desk: Browser) -> None:
    desk.send("/admin/endpoints/new", name="Ours", hook_address=WEBHOOK, hook_secret=SECRET)
    endpoint = the_endpoint()
    desk.open(f"/admin/endpoints/{endpoint.id}")
    desk.click("Save")

    pages = [
        desk.open(path).html
        for path in (
            "/admin/endpoints/",
            f"/admin/endpoints/{endpoint.id}",
            "/admin/audit",
            "/admin/outbox",
        )
    ]

    assert "hooks.example.org/…oken" in pages[0]
    for page in pages:
        assert "very-secret" not in page
        assert SECRET not in page
    trail = db.session.scalars(select(AuditEntry)).all()
    assert all("very-secret" not in str(entry.changes) for entry in trail)
    assert "very-secret" not in endpoint.sealed


def test_the_trail_says_in_words_of_what_it_is_told(desk: Browser) -> None:
    desk.send("/admin/endpoints/new", name="Ours", hook_address=WEBHOOK, hook_secret=SECRET)
    desk.send(f"/admin/endpoints/{the_endpoint().id}", news=["submitted", "urged"])

    trail = desk.open("/admin/audit").text

    assert "→ A new request came in, The requester asks to hurry" in trail
    assert "'urged'" not in trail


def test_what_is_left_empty_stays(desk: Browser) -> None:
    desk.send("/admin/endpoints/new", name="Ours", hook_address=WEBHOOK, hook_secret=SECRET)
    endpoint = the_endpoint()

    desk.send(f"/admin/endpoints/{endpoint.id}", name="Ours, too")
    assert addresses.opened(endpoint.sealed) == (WEBHOOK, SECRET)
    assert endpoint.name == "Ours, too"

    desk.send(f"/admin/endpoints/{endpoint.id}", hook_address="https://other.example.org/")
    assert addresses.opened(endpoint.sealed) == ("https://other.example.org/", SECRET)
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert last.changes["address_shown"][1] == "https://other.example.org"


def test_two_who_edit_the_same_get_a_choice(
    a: Builders, desk: Browser, new_browser: Callable[..., Browser]
) -> None:
    desk.send("/admin/endpoints/new", name="Ours", hook_address=WEBHOOK, hook_secret=SECRET)
    endpoint = the_endpoint()
    other = new_browser().sign_in(a.administrator())
    desk.open(f"/admin/endpoints/{endpoint.id}")
    other.send(f"/admin/endpoints/{endpoint.id}", name="Theirs")

    page = desk.send(name="Mine")

    assert "Somebody changed this since you opened it" in page.text
    assert endpoint.name == "Theirs"
    desk.send(name="Mine")
    assert endpoint.name == "Mine"


def test_a_form_sent_twice_sets_up_one(desk: Browser) -> None:
    desk.open("/admin/endpoints/new")
    form = desk.page.form("name")
    data = form.filled({"name": "Ours", "hook_address": WEBHOOK, "hook_secret": SECRET}, press="")

    for _turn in range(2):
        desk.request("POST", "/admin/endpoints/new", data=data)

    assert len(db.session.scalars(select(Endpoint)).all()) == 1


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("webhook", ""),
        ("webhook", "hooks.example.org"),
        ("webhook", "http://hooks.example.org/"),
        ("webhook", "ftp://hooks.example.org/"),
        ("webhook", "https://user:word@hooks.example.org/"),
        ("webhook", "https://10.0.0.1/"),
        ("webhook", "https://[::ffff:169.254.169.254]/"),
        ("webhook", "https://printer.local/"),
        ("webhook", "https://hooks.example.org/a b"),
        ("webhook", "https://hooks.example.org:port/"),
        ("webhook", "https://hooks.example.org/" + "x" * 500),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"),
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?key=1"),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/"),
    ],
)
def test_where_nothing_can_be_sent_is_said_and_nothing_typed_is_lost(
    desk: Browser, kind: str, address: str
) -> None:
    page = desk.send(f"/admin/endpoints/new?kind={kind}", name="Mine", hook_address=address)

    assert page.path == "/admin/endpoints/new"
    assert "Please check what you entered" in page.text
    assert 'value="Mine"' in page.html
    assert db.session.scalars(select(Endpoint)).all() == []


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64"])
def test_a_webhook_needs_a_secret_of_the_standard(desk: Browser, secret: str) -> None:
    page = desk.send("/admin/endpoints/new", name="Mine", hook_address=WEBHOOK, hook_secret=secret)

    assert "A secret begins with whsec_" in page.text


@pytest.mark.parametrize("kind", sorted(EndpointKind))
def test_each_kind_has_its_form_in_both_languages(
    a: Builders, browser: Browser, chinese_browser: Browser, kind: str
) -> None:
    for each in (browser, chinese_browser):
        each.sign_in(a.administrator()).open(f"/admin/endpoints/new?kind={kind}")


def test_a_robot_without_a_secret_is_taken_as_it_is(desk: Browser) -> None:
    address = "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d-4e5f"

    desk.send("/admin/endpoints/new?kind=feishu", name="Group", hook_address=address)

    assert the_endpoint().kind is EndpointKind.FEISHU
    assert addresses.opened(the_endpoint().sealed) == (address, "")


def test_what_is_switched_off_is_told_nothing(desk: Browser) -> None:
    desk.send("/admin/endpoints/new", name="Ours", hook_address=WEBHOOK, hook_secret=SECRET)

    page = desk.click("Switch off: Ours")

    assert not the_endpoint().is_on
    assert "Send a test message" not in page.text
    answer = desk.click("Switch on: Ours")
    assert "Switched on." in answer.text


def test_the_outbox_names_the_endpoint_and_says_why_it_is_stuck(
    a: Builders, desk: Browser, receiver: Receiver
) -> None:
    receiver.status = 503
    desk.send("/admin/endpoints/new", name="Ours", hook_address=receiver.url(), hook_secret=SECRET)
    desk.click("Send a test message: Ours")
    sending.send_due(now=a.now)

    page = desk.open("/admin/outbox?fate=stuck")

    assert "Ours" in page.text
    assert "HTTP 503" in page.text


# ------------------------------------------------------------------- deleted for good


def set_up(desk: Browser, receiver: Receiver, name: str = "Ours") -> Endpoint:
    """Set up a webhook that somebody listens at."""
    desk.send("/admin/endpoints/new", name=name, hook_address=receiver.url(), hook_secret=SECRET)
    return db.session.scalars(select(Endpoint).where(Endpoint.name == name)).one()


def test_what_is_deleted_hears_nothing_more_and_what_waited_for_it_is_called_off(
    a: Builders, desk: Browser, receiver: Receiver
) -> None:
    gone, other = set_up(desk, receiver), set_up(desk, receiver, "Other")
    desk.open("/admin/endpoints/")
    desk.click("Send a test message: Ours")
    sending.send_due(now=a.now)
    for name in ("Ours", "Other"):
        desk.open("/admin/endpoints/")
        desk.click(f"Send a test message: {name}")

    desk.open("/admin/endpoints/")
    page = desk.click("Delete: Ours")
    assert "1 message waits to go there: it is called off." in page.text
    page = desk.click("Delete for good")

    assert "“Ours” is deleted." in page.text
    assert f'id="endpoint-{gone.id}"' not in page.html
    assert "Other" in page.text
    given_up = desk.open("/admin/outbox?fate=given_up")
    assert "Ours" in given_up.text
    assert "The webhook or robot was deleted." in given_up.text
    assert "Send again" not in given_up.text
    assert "Ours" in desk.open("/admin/outbox?fate=sent").text
    sending.send_due(now=a.now)
    assert len(receiver.taken) == 2  # the one before, and that for the other
    assert [one.id for one in queries.listening_to(*News)] == [other.id]


def test_nothing_secret_of_what_is_deleted_is_kept_and_the_trail_says_who_did_it(
    desk: Browser, receiver: Receiver
) -> None:
    endpoint = set_up(desk, receiver)
    desk.send(f"/admin/endpoints/{endpoint.id}/deletion")

    db.session.expire_all()
    kept = db.session.get_one(Endpoint, endpoint.id)
    assert (kept.sealed, kept.address_shown, kept.is_on) == ("", "", False)
    trail = desk.open("/admin/audit").text
    assert "Webhook or robot deleted · Ours" in trail


def test_a_deleted_one_has_no_page_any_more_and_is_deleted_once(
    desk: Browser, receiver: Receiver
) -> None:
    endpoint = set_up(desk, receiver)
    path = f"/admin/endpoints/{endpoint.id}/deletion"
    sent = desk.open(path).form().filled({})

    answers = [desk.request("POST", path, data=sent).location for _turn in range(2)]

    assert answers == ["/admin/endpoints/", "/admin/endpoints/"]
    assert "This form had arrived already" in desk.open("/admin/endpoints/").text
    for page in (path, f"/admin/endpoints/{endpoint.id}"):
        assert "somebody deleted it" in desk.open(page, status=404).text
    token = desk.open("/admin/endpoints/new").form("name").values()["csrf_token"][0]
    for button in ("switch", "test"):
        data = {"csrf_token": token, "on": "1"}
        answer = desk.request("POST", f"/admin/endpoints/{endpoint.id}/{button}", data=data)
        assert answer.status_code == 404
    done = select(AuditEntry).where(AuditEntry.action == "endpoint:delete")
    assert len(db.session.scalars(done).all()) == 1


def test_who_edits_what_somebody_deleted_meanwhile_is_told_so_and_loses_no_word(
    desk: Browser, receiver: Receiver
) -> None:
    endpoint = set_up(desk, receiver)
    path = f"/admin/endpoints/{endpoint.id}"
    sent = desk.open(path).form("name").filled({"name": "A new name", "hook_secret": SECRET})
    desk.send(f"{path}/deletion")

    answer = desk.request("POST", path, data=sent)

    told = answer.get_data(as_text=True)
    assert "somebody deleted it" in told
    assert 'value="A new name"' in told
    assert "Left empty, it stays" not in told
    assert f'value="{SECRET}"' in told
    db.session.expire_all()
    assert db.session.get_one(Endpoint, endpoint.id).sealed == ""

    new = desk.request(
        "POST", "/admin/endpoints/new?kind=webhook", data=sent | {"hook_address": WEBHOOK}
    )
    assert new.status_code == 303
    assert [one.name for one in queries.endpoints()] == ["A new name"]


def test_one_that_is_set_up_twice_leads_to_the_list(desk: Browser) -> None:
    path = "/admin/endpoints/new?kind=webhook"
    opened = desk.open(path).form("name")
    sent = opened.filled({"name": "Ours", "hook_address": WEBHOOK, "hook_secret": SECRET})

    answers = [desk.request("POST", path, data=sent).location for _turn in range(2)]

    assert answers == [f"/admin/endpoints/#endpoint-{the_endpoint().id}", "/admin/endpoints/"]


def test_looking_at_what_would_be_deleted_deletes_nothing(
    desk: Browser, receiver: Receiver
) -> None:
    endpoint = set_up(desk, receiver)

    page = desk.open(f"/admin/endpoints/{endpoint.id}/deletion")

    assert "wait to go there" not in page.text
    assert the_endpoint().deleted_at is None


def test_what_was_written_in_the_moment_of_the_deletion_is_given_up_with_its_reason(
    a: Builders, desk: Browser, receiver: Receiver
) -> None:
    endpoint = set_up(desk, receiver)
    heard = queries.as_listener(endpoint)
    desk.send(f"/admin/endpoints/{endpoint.id}/deletion")
    with transaction():
        news.write_test(heard, now=a.now)

    sending.send_due(now=a.now)

    written = select(Message).where(Message.channel == Channel.WEBHOOK)
    assert [one.last_error for one in db.session.scalars(written)] == [queries.DELETED]
    assert receiver.taken == []

"""The worker sends each kind of message by itself: nothing that is slow holds up the rest."""

import threading
import time
from dataclasses import replace

from flask import Flask

from tests.notifications.channels.test_endpoints import endpoint_at
from tests.support.builders import Builders
from tests.support.receiver import Receiver, running
from tracker.database import db, transaction
from tracker.notifications import actions, outbox, worker
from tracker.notifications.models import Message

PATIENCE_S = 20.0


def test_a_slow_receiver_holds_up_no_mail(app: Flask, a: Builders) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], demo=True)
    a.invented = True  # so that mail lands on a page
    app.extensions["jobs"] = {}
    stop = threading.Event()

    def work() -> None:
        with app.app_context():
            worker.work(stop)

    with running(Receiver(waits_s=4)) as receiver:
        endpoint = endpoint_at(a, receiver)
        with transaction():
            actions.try_endpoint(endpoint, actor=a.actor(a.administrator()), now=a.now)
            mail = outbox.enqueue(
                "reset",
                address="zhou@example.org",
                locale="en",
                payload={"name": "周晓雯", "token": "t", "expires_at": a.now.isoformat()},
                now=a.now,
            )
        news_id = endpoint.id
        mail_id = mail.id
        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert _is_sent(mail_id)
            news = db.session.query(Message).filter_by(address=str(news_id)).one()
            assert news.sent_at is None, "the slow one is still at it"
            assert _is_sent(news.id), "and arrives in the end"
        finally:
            stop.set()
            thread.join(PATIENCE_S)
    assert not thread.is_alive()


def _is_sent(message_id: int) -> bool:
    """Wait until a message is sent; tell whether it was, in the end."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        db.session.rollback()
        if db.session.get_one(Message, message_id).sent_at is not None:
            return True
        threading.Event().wait(0.1)
    return False

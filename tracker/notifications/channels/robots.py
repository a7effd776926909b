"""Robots in the groups of WeCom, DingTalk and Feishu: a few lines of text, signed as each asks for it.

Each answers with status 200 whatever became of it, and says in a number of its own what that was.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from tracker.clock import utc_now
from tracker.notifications.channels.carrier import Delayed, Refused
from tracker.notifications.channels.endpoint import Post, Target
from tracker.notifications.channels.outside import Answer
from tracker.notifications.letters import Envelope, Letter

MOST_BYTES: Final = 2000
"""WeCom takes 2048 bytes of text; the others more, which nobody reads in a group."""
NOT_UNDERSTOOD: Final = "robot_not_understood"
"""Why a message is put off: what answered is not a robot, a notice of a proxy perhaps."""
_TOO_BUSY: Final = frozenset(
    {
        *(-1, 45009, 45033),  # WeCom: busy, too many, too many at once
        *(130101, 410100),  # DingTalk: more than 20 a minute
        *(11232, 11233, 99991400),  # Feishu: too many
    }
)


def wecom(target: Target, _envelope: Envelope, letter: Letter, _now: datetime) -> Post:
    """Return what a WeCom robot posts into its group. Its key stands in its address."""
    return _post(target.address, {"msgtype": "text", "text": {"content": text_of(letter)}})


def dingtalk(target: Target, _envelope: Envelope, letter: Letter, _now: datetime) -> Post:
    """Return what a DingTalk robot posts into its group; with a secret, signed in the address."""
    address = target.address
    if target.secret:
        timestamp = str(int(utc_now().timestamp() * 1000))
        signed = hmac.digest(
            target.secret.encode(), f"{timestamp}\n{target.secret}".encode(), hashlib.sha256
        )
        sign = base64.b64encode(signed).decode()
        address += "&" + urlencode({"timestamp": timestamp, "sign": sign})
    return _post(address, {"msgtype": "text", "text": {"content": text_of(letter)}})


def feishu(target: Target, _envelope: Envelope, letter: Letter, _now: datetime) -> Post:
    """Return what a Feishu robot posts into its group; with a secret, signed beside the text."""
    said: dict[str, Any] = {"msg_type": "text", "content": {"text": text_of(letter)}}
    if target.secret:
        timestamp = str(int(utc_now().timestamp()))
        # What others sign is the key here, and nothing is signed.
        signed = hmac.digest(f"{timestamp}\n{target.secret}".encode(), b"", hashlib.sha256)
        said |= {"timestamp": timestamp, "sign": base64.b64encode(signed).decode()}
    return _post(target.address, said)


def understands(code: str, words: str) -> Callable[[Answer], None]:
    """Return who reads the answers in which `code` names the number and `words` the text."""

    def understood(answer: Answer) -> None:
        try:
            said = json.loads(answer.body)
            number = int(said[code])
        except (ValueError, TypeError, KeyError) as error:
            raise Delayed(NOT_UNDERSTOOD) from error
        if number == 0:
            return
        reason = f"{number} {said.get(words, '')}"
        if number in _TOO_BUSY:
            raise Delayed(reason)
        raise Refused(reason)

    return understood


def text_of(letter: Letter) -> str:
    """Return the text for a group: whole paragraphs, as many as fit."""
    kept = letter.subject
    for paragraph in letter.text.strip().split("\n\n"):
        longer = f"{kept}\n{paragraph}"
        if len(longer.encode()) > MOST_BYTES:
            break
        kept = longer
    return kept


def _post(address: str, said: Mapping[str, Any]) -> Post:
    body = json.dumps(said, ensure_ascii=False).encode()
    return Post(address, body, {"Content-Type": "application/json; charset=utf-8"})

"""What is posted to an address that somebody entered goes to the outside alone, and briefly."""

import socket
import ssl
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.receiver import Receiver, running
from tracker.clock import utc_now
from tracker.notifications.channels import outside
from tracker.notifications.channels.outside import NoAnswerError, NotOutsideError, post

WITHIN = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.100.100.200",
    "169.254.169.254",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fd00::1",
    "fe80::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
    "2001:0:53aa:64c:0:fb5f:f5ff:fffe",
]
"""This machine, its network, the cloud that it runs in, and other spellings of these."""


@pytest.mark.parametrize("host", WITHIN)
def test_nothing_goes_to_addresses_within(host: str) -> None:
    place = f"[{host}]" if ":" in host else host
    with pytest.raises(NotOutsideError):
        post(f"https://{place}/", b"", {})
    assert not outside.is_outside(host)


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_the_outside_is_known(host: str) -> None:
    assert outside.is_outside(host)


def test_what_a_name_means_is_looked_at_as_it_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(Receiver()) as receiver:
        real, asked = socket.getaddrinfo, []

        def turning(host: str, *rest: object, **more: object) -> object:
            """Mean the outside first, and this machine ever after."""
            asked.append(host)
            place = "93.184.216.34" if len(asked) > 1 else "127.0.0.1"
            return real(place, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", turning)
        with pytest.raises(NotOutsideError):
            post(f"http://turning.example:{receiver.port}/", b"", {})
        assert asked == ["turning.example"]
        assert receiver.taken == []


def test_a_name_is_looked_up_once_and_stands_in_the_host_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(Receiver()) as receiver:
        real, asked = socket.getaddrinfo, []

        def here(host: str, *rest: object, **more: object) -> object:
            asked.append(host)
            return real("127.0.0.1", *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", here)
        post(f"http://hook.example:{receiver.port}/x?y=1", b"{}", {}, may_be_here=True)

        assert asked.count("hook.example") == 1
        assert receiver.taken[0].headers["Host"] == f"hook.example:{receiver.port}"
        assert receiver.taken[0].path == "/x?y=1"


def test_it_is_not_led_on() -> None:
    with running(Receiver()) as other, running(Receiver(status=302)) as receiver:
        receiver.headers["Location"] = other.url()

        assert post(receiver.url(), b"", {}, may_be_here=True).status == 302
        assert other.taken == []


def test_of_a_long_answer_a_few_kilobytes_are_read() -> None:
    with running(Receiver(answer=b"x" * 1_000_000)) as receiver:
        assert post(receiver.url(), b"", {}, may_be_here=True).body == b"x" * outside.MOST_READ


@pytest.mark.parametrize(
    ("given", "understood"), [("120", 120), ("soon", None), ("-1", None), ("", None)]
)
def test_how_long_it_asks_to_be_left_alone_is_read(given: str, understood: int | None) -> None:
    with running(Receiver(status=503, headers={"Retry-After": given})) as receiver:
        assert post(receiver.url(), b"", {}, may_be_here=True).retry_after_s == understood


def test_silence_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "TIMEOUT_S", 0.2)
    with (
        running(Receiver(waits_s=1)) as receiver,
        pytest.raises(NoAnswerError, match="TimeoutError"),
    ):
        post(receiver.url(), b"", {}, may_be_here=True)


def test_who_drips_a_letter_at_a_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "DEADLINE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client:
                try:
                    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
                        client.sendall(bytes([letter]))
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(NoAnswerError):
            post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"", {}, may_be_here=True)
        assert time.monotonic() - begun < 3
        thread.join(10)


def test_why_there_was_no_answer_is_said_without_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    with pytest.raises(NoAnswerError) as failed:
        post(f"http://127.0.0.1:{nobody}/?key=very-secret", b"", {}, may_be_here=True)
    assert "ConnectionRefusedError" in str(failed.value)
    assert "very-secret" not in str(failed.value)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Give what `localhost` proves itself with, to those who trust it: us."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    proof, secret = tmp_path / "proof.pem", tmp_path / "key.pem"
    proof.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(proof))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(proof, secret)
    return context


def test_https_proves_the_name_though_it_connects_to_an_address(secure: ssl.SSLContext) -> None:
    with running(Receiver(), secure) as receiver:
        url = receiver.url(scheme="https", host="localhost")
        assert post(url, b"{}", {}, may_be_here=True).status == 200

        url = receiver.url(scheme="https", host="127.0.0.1")  # the same place, by another name
        with pytest.raises(NoAnswerError, match="SSLCertVerificationError"):
            post(url, b"{}", {}, may_be_here=True)
        assert len(receiver.taken) == 1

"""Settings come from the environment; what is unsafe is refused by name."""

from pathlib import Path

import pytest

from tracker.config import ConfigurationError, settings_from_environment

SECRET = "a-secret-that-is-at-least-32-characters-long"


def _environment(tmp_path: Path, **values: str) -> dict[str, str]:
    return {"SECRET_KEY": SECRET, "INSTANCE_PATH": str(tmp_path), **values}


def test_without_anything_it_is_a_production_without_a_demonstration(tmp_path: Path) -> None:
    settings = settings_from_environment(_environment(tmp_path))

    assert (settings.environment, settings.debug, settings.demo) == ("production", False, False)
    assert settings.database_url == f"sqlite:///{tmp_path / 'shishi.db'}"
    assert settings.public_url == "http://127.0.0.1:8000"


def test_there_is_no_default_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY is not set"):
        settings_from_environment({"INSTANCE_PATH": str(tmp_path)})


def test_the_kept_secret_is_used_where_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(SECRET + "\n")

    assert settings_from_environment({"INSTANCE_PATH": str(tmp_path)}).secret_key == SECRET


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "short", "too short"),
        ("FLASK_DEBUG", "1", "FLASK_DEBUG must be off"),
        ("SHISHI_ENV", "live", "SHISHI_ENV must be"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must begin"),
        ("DEMO", "perhaps", "DEMO must be true or false"),
        ("TRUSTED_PROXIES", "one", "TRUSTED_PROXIES must be a whole number"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings_from_environment(_environment(tmp_path, **{name: value}))


def test_development_may_debug(tmp_path: Path) -> None:
    environment = _environment(tmp_path, SHISHI_ENV="development", FLASK_DEBUG="1")

    assert settings_from_environment(environment).debug


def test_cookies_are_secure_when_the_address_is(tmp_path: Path) -> None:
    environment = _environment(tmp_path, PUBLIC_URL="https://help.town.example/")

    settings = settings_from_environment(environment)

    assert settings.cookies_secure
    assert settings.public_url == "https://help.town.example"


def test_the_address_follows_the_port(tmp_path: Path) -> None:
    settings = settings_from_environment(_environment(tmp_path, PORT="8123"))

    assert settings.public_url == "http://127.0.0.1:8123"


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    settings = settings_from_environment(_environment(tmp_path, SECRET_KEY_FALLBACKS="old-one"))

    assert SECRET not in repr(settings)
    assert "old-one" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("gateway.example", "whsec_" + "QUFB" * 10),
        ("https://gateway.example", ""),
        ("https://gateway.example", "whsec_QUFB"),
        ("https://gateway.example", "whsec_no base64"),
    ],
)
def test_a_gateway_of_texts_needs_an_address_and_a_secret(
    tmp_path: Path, url: str, secret: str
) -> None:
    with pytest.raises(ConfigurationError, match="SMS_"):
        settings_from_environment(_environment(tmp_path, SMS_URL=url, SMS_SECRET=secret))


def test_the_secret_of_a_gateway_is_printed_nowhere(tmp_path: Path) -> None:
    secret = "whsec_" + "QUFB" * 10

    settings = settings_from_environment(
        _environment(tmp_path, SMS_URL="https://gateway.example", SMS_SECRET=secret)
    )

    assert settings.sms_secret == secret
    assert secret not in repr(settings)

"""Return paths stay on this site."""

import pytest

from tracker.web.access import safe_path


@pytest.mark.parametrize("path", ["/", "/queue?status=open&area=3", "/requests/42#history"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "queue",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/ok\r\nSet-Cookie: a=b",
    ],
)
def test_anything_else_is_dropped(path: str | None) -> None:
    assert safe_path(path) is None

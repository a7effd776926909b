"""Take the pictures of docs/pictures from a real server with the demo town.

`python -m tools.take_pictures [FOLDER] [--all]`: without `--all` the pictures of the documents,
with it every page in `PAGES`, in both languages, at phone and desktop width. It needs the
development packages and Chromium (`make test` installs them).
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTHS = {"390": 390, "1280": 1280}
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as one person sees it; `login` is the mail address of a demo person."""

    name: str
    path: str
    login: str = ""
    follow: tuple[str, ...] = ()
    """CSS selectors of links, clicked in turn."""


PAGES = (
    Picture("home", "/"),
    Picture("ask", "/requests/new"),
    Picture("track", "/track"),
    Picture("sign-in", "/sign-in"),
    Picture("queue", "/queue", "zhou.xiaowen@qingxi.example"),
    Picture(
        "request", "/queue", "zhou.xiaowen@qingxi.example", ("main table a[href^='/requests/']",)
    ),
    Picture("intake", "/intake", "zhou.xiaowen@qingxi.example"),
    Picture("board", "/board", "li.siyuan@qingxi.example"),
    Picture("mine", "/mine", "li.siyuan@qingxi.example"),
    Picture("call-backs", "/call-backs", "chen.guodong@qingxi.example"),
    Picture("approvals", "/approvals", "chen.guodong@qingxi.example"),
    Picture("figures", "/figures", "chen.guodong@qingxi.example"),
    Picture("people", "/admin/people", "su.mingyuan@qingxi.example"),
    Picture("permissions", "/permissions", "su.mingyuan@qingxi.example"),
)
IN_DOCUMENTS = ("home", "ask", "queue", "request", "board", "figures")


@contextmanager
def demo_server(folder: Path) -> Iterator[str]:
    """Serve the demo town from a scratch folder; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "INSTANCE_PATH": str(folder),
        "PORT": str(port),
        "DEMO": "1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "tracker.serve"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/readyz")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def take(
    browser: Browser, address: str, picture: Picture, language: str, width: str, *, whole: bool
) -> bytes:
    """Return a PNG of the whole page, or of what stands on the screen."""
    context = browser.new_context(
        viewport={"width": WIDTHS[width], "height": 844}, locale=LANGUAGES[language]
    )
    page = context.new_page()
    try:
        if picture.login:
            sign_in(page, address, picture.login)
        page.goto(address + picture.path)
        for selector in picture.follow:
            page.locator(selector).first.click()
            page.wait_for_load_state()
        page.wait_for_load_state("networkidle")
        return page.screenshot(full_page=whole)
    finally:
        context.close()


def sign_in(page: Page, address: str, key: str) -> None:
    """Sign in as one of the demo people, by one tap on the sign-in page."""
    page.goto(f"{address}/sign-in")
    page.locator(f"[data-demo-person='{key}']").first.click()
    page.wait_for_load_state()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.2)
    message = "The server did not come up."
    raise TimeoutError(message)


def main() -> None:
    """Take the pictures."""
    folders = [word for word in sys.argv[1:] if not word.startswith("-")]
    folder = Path(folders[0]) if folders else ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in PAGES if "--all" in sys.argv or p.name in IN_DOCUMENTS]
    with (
        tempfile.TemporaryDirectory() as scratch,
        demo_server(Path(scratch)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for picture in wanted:
            for language in LANGUAGES:
                for width in WIDTHS:
                    name = f"{picture.name}-{language}-{width}.png"
                    (folder / name).write_bytes(
                        take(
                            browser,
                            address,
                            picture,
                            language,
                            width,
                            whole="--all" in sys.argv,
                        )
                    )
                    print(name)
        browser.close()


if __name__ == "__main__":
    main()

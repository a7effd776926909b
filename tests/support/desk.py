"""What a desk reads off its list."""

from tests.support.browser import Browser


def listed(browser: Browser, address: str = "/queue", *, click: str = "") -> list[str]:
    """Return the references in the list, from the top."""
    page = browser.click(click) if click else browser.open(address)
    return [
        "".join(c for c in line if c.isdigit())[:10]
        for line in ((head.findtext("span") or "") for head in page.find_all("th", scope="row"))
    ]

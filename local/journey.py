"""People of the demo clinic as scripts: the admin in the console, a resource with the link from the mail.

They go by HTTP through the same pages as a browser: nothing here knows the stack from inside. The end-to-end tests walk
with the same feet.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from local.browser import Browser, Page, PageError
from local.cloud import ADMIN_EMAIL, LocalCloud

T = TypeVar("T")
_INVITATION = re.compile(r"https?://\S+/i/[\w-]+")


class PatienceError(RuntimeError):
    """Something that should have happened did not; the message says what was awaited."""


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 90) -> T:
    """Look again until there is something. Raises PatienceError."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise PatienceError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


class Admin:
    """The administrator, signed in to the console."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.url = f"{cloud.public_url}/console"
        self.browser = Browser(cloud.microsoft.ca_file)
        page = self.browser.open(self.url)
        self.browser.send(page.form(having="password"), username=ADMIN_EMAIL, password=cloud.state.password)

    def open(self, path: str = "") -> Page:
        return self.browser.open(f"{self.url}{path}")

    def refresh(self) -> Page:
        """Read the booking system's people and rooms anew."""
        return self.browser.send(self.open().form(action="/refresh"))

    def invite(self, resource: str, **fields: str) -> Page:
        """Send an invitation; the first one also agrees to the privacy text."""
        form = self.open(f"/invite?resource={resource}").form(having="message")
        if "agree" in form.choices:
            fields = {"agree": "yes", **fields}
        return self.browser.send(form, resource=[resource], **fields)

    def add_exchange_server(self, title: str, address: str, authority: Path) -> str:
        """Enter a server whose certificate comes from an authority of its own; gives the path of its page.

        Raises:
            PageError: the console refuses it, with what it says.
        """
        servers = "/connections/servers"
        form = self.open(f"{servers}/new").form(having="address")
        page = self.browser.upload(form, {"ca_file": authority}, title=title, address=address)
        found = re.search(rf"{servers}/[\w-]+(?=\?)", page.url)
        if found is None:
            raise PageError(f"{title} was not saved ({page.status}): {page.html[:1500]}")
        return found.group(0)

    def test_exchange_server(self, path: str, address: str, password: str) -> Page:
        """The check before anybody is invited, with that mailbox; the page with its report."""
        form = self.open(path).form(having="test_address")
        return self.browser.send(form, test_address=address, test_password=password)

    def add_role_account(self, title: str, domain: str, address: str, password: str) -> str:
        """Enter an account of an Exchange server that sees everybody's times; gives the path of its page.

        Raises:
            PageError: the console refuses it, with what it says.
        """
        roles = "/connections/role-accounts"
        form = self.open(f"{roles}/new?kind=exchange").form(having="mail_domains")
        server = form.choices["server"][0]
        fields = {"title": title, "mail_domains": domain, "address": address, "password": password}
        page = self.browser.send(form, **fields, server=server, access="org_wide")
        found = re.search(rf"{roles}/[\w-]+(?=\?)", page.url)
        if found is None:
            raise PageError(f"{title} was not saved ({page.status}): {page.html[:1500]}")
        return found.group(0)

    def test_role_account(self, path: str, about: str) -> Page:
        """Ask it for the times of one mailbox; the page with its report."""
        return self.browser.send(self.open(path).form(having="about"), about=about)

    def new_api_key(self, name: str) -> str:
        """The key is shown once, on the page that answers."""
        form = self.open("/connections").form(having="scope")
        page = self.browser.send(form, name=name, scope="write")
        found = re.search(r'name="api_key"[^>]*value="([^"]+)"', page.html)
        if found is None:
            raise PageError(f"no key on {page.url} ({page.status})")
        return found.group(1)


class Person:
    """A resource, or its custodian, with a browser and an inbox of his own."""

    def __init__(self, cloud: LocalCloud, email: str, password: str | None = None) -> None:
        self.cloud = cloud
        self.email = email
        self.password = password or cloud.state.password
        self.browser = Browser(cloud.microsoft.ca_file)

    def mails(self, subject: str = "") -> list[dict[str, str]]:
        """Mails in the inbox, oldest first, whole."""
        found = self.cloud.control.call("GET", "/mail", inbox=self.email)["mails"]
        ids = [one["id"] for one in found if subject in one["subject"]]
        return [self.cloud.control.call("GET", f"/mail/{number}") for number in ids]

    def invitation_link(self, seconds: float = 90) -> str:
        """The link in the newest mail that has one."""

        def newest() -> str | None:
            links = [match.group(0) for mail in self.mails() if (match := _INVITATION.search(mail["text"]))]
            return links[-1] if links else None

        return wait_for(f"an invitation to {self.email}", newest, seconds)

    def go_to_microsoft(self, link: str) -> Page:
        """Open the link and press Continue: Microsoft's sign-in page."""
        page = self.browser.open(link)
        return self.browser.send(page.form(action="/continue"))

    def sign_in(self, page: Page, email: str | None = None, answer: str = "accept") -> Page:
        """Give the password and answer the consent page, where there is one; the page that follows."""
        page = self.browser.send(page.form(having="username"), username=email or self.email, password=self.password)
        if any("answer" in form.choices for form in page.forms):
            page = self.browser.send(page.form(having="answer"), answer=answer)
        return page

    def choose(self, page: Page, **fields: str | list[str]) -> Page:
        """Press Connect on the page of calendars, with what is preselected unless `fields` say otherwise."""
        return self.browser.send(page.form(having="primary"), **fields)

    def connect(self, link: str | None = None) -> Page:
        """The whole way from the mail to the page that shows the import's progress."""
        page = self.go_to_microsoft(link or self.invitation_link())
        return self.choose(self.sign_in(page))


def choice_named(page: Page, field: str, label: str) -> str:
    """The value of a radio or checkbox by the text that stands beside it."""
    pattern = rf'<input[^>]*name="{field}"[^>]*value="([^"]*)"[^>]*>(?:(?!<input).)*?{re.escape(label)}'
    found = re.search(pattern, page.html, re.DOTALL)
    if found is None:
        raise PageError(f"no choice {label!r} for {field} on {page.url}")
    return found.group(1)

"""A browser for scripts: follows redirects, keeps cookies as Chromium does on loopback, reads and sends forms.

Python's HTTP clients do not send `Secure` cookies over http; browsers do on localhost, which they count as secure.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from local.resolver import sitecustomize  # noqa: F401 - so that *.localhost is found in this process

_REDIRECTS = {301, 302, 303, 307, 308}
_Parts = list[tuple[str, tuple[str | None, bytes]]]
"""The parts of a multipart form: a name, and a file's name or None with the content."""


class PageError(RuntimeError):
    """A page is not what the script expected; the message says what it shows."""


@dataclass
class Form:
    """One form as the page offers it: what is filled in, and the buttons with a name."""

    action: str
    method: str
    is_multipart: bool = False
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Every value that a radio, checkbox, select or button offers, whether chosen or not."""


@dataclass
class Page:
    """An answer with what a script needs of it."""

    url: str
    status: int
    html: str
    forms: list[Form]
    links: list[str]

    def form(self, *, having: str = "", action: str = "") -> Form:
        """The one form with that field or whose action contains that text.

        Raises:
            PageError: there is none.
        """
        for form in self.forms:
            if (not having or having in form.fields or having in form.choices) and action in form.action:
                return form
        raise PageError(f"no form with {having or action!r} on {self.url} ({self.status}): {self.html[:1500]}")


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in facts:
            self.links.append(urljoin(self.url, facts["href"]))
        if tag == "form":
            action, method = urljoin(self.url, facts.get("action", self.url)), facts.get("method", "get").upper()
            self._form = Form(action, method, is_multipart=facts.get("enctype") == "multipart/form-data")
            self.forms.append(self._form)
        if self._form is not None:
            self._read_field(self._form, tag, facts, {name for name, _ in attrs})

    def _read_field(self, form: Form, tag: str, facts: dict[str, str], present: set[str]) -> None:
        name, value = facts.get("name", ""), facts.get("value", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(value)
            if "selected" in present:
                form.fields[self._select] = [value]
        elif tag == "textarea" and name:
            self._textarea = name
            form.fields[name] = [""]
        elif not name or "disabled" in present:
            return
        elif tag == "button" or (tag == "input" and facts.get("type") == "submit"):
            form.choices.setdefault(name, []).append(value)
        elif tag == "input" and facts.get("type") in ("radio", "checkbox"):
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" in present:
                form.fields.setdefault(name, []).append(value or "on")
        elif tag == "input":
            form.fields.setdefault(name, []).append(value)

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._textarea:
            self._form.fields[self._textarea] = [self._form.fields[self._textarea][0] + data]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


class Browser:
    """One person's browser: cookies of its own. `authority` is trusted beside none other."""

    def __init__(self, authority: Path | None = None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._verify: str | bool = str(authority) if authority else True
        self._cookies: dict[str, dict[str, str]] = {}

    def open(self, url: str) -> Page:
        """Open an address and follow it to the page at the end."""
        return self._go("GET", url, None)

    def send(self, form: Form, **values: str | list[str]) -> Page:
        """Send a form as it stands, with these values put in; a button is a value as well. Files go by `upload`."""
        return self._send(form, {}, **values)

    def upload(self, form: Form, files: dict[str, Path], **values: str | list[str]) -> Page:
        """Send a form with files chosen in its fields."""
        return self._send(form, files, **values)

    def _send(self, form: Form, files: dict[str, Path], **values: str | list[str]) -> Page:
        given = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        pairs = [(name, value) for name, parts in (form.fields | given).items() for value in parts]
        if form.method == "GET":
            query = requests.Request("GET", form.action, params=pairs).prepare().url
            return self._go("GET", str(query), None)
        if not form.is_multipart:
            return self._go("POST", form.action, pairs)
        parts: _Parts = [(name, (None, value.encode())) for name, value in pairs if name not in files]
        parts += [(name, (path.name, path.read_bytes())) for name, path in files.items()]
        return self._go("POST", form.action, None, parts)

    def _go(self, method: str, url: str, pairs: list[tuple[str, str]] | None, parts: "_Parts | None" = None) -> Page:
        for _ in range(15):
            address = urlsplit(url)
            host = address.hostname or ""
            headers = {"Accept": "text/html", "User-Agent": "calsync-demo"}
            if method == "POST":
                headers["Origin"] = f"{address.scheme}://{address.netloc}"
            if kept := self._cookies.get(host):
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
            answer = self._session.request(
                method,
                url,
                data=pairs,
                files=parts,
                headers=headers,
                allow_redirects=False,
                timeout=60,
                verify=self._verify,
            )
            self._session.cookies.clear()  # ours below are the only ones
            self._keep_cookies(host, answer)
            if answer.status_code not in _REDIRECTS:
                return _page(url, answer)
            url = urljoin(url, answer.headers["Location"])
            if answer.status_code not in (307, 308):
                method, pairs, parts = "GET", None, None
        raise PageError(f"too many redirects, the last to {url}")

    def _keep_cookies(self, host: str, answer: requests.Response) -> None:
        for line in answer.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.get(host, {}).pop(name, None)
                else:
                    self._cookies.setdefault(host, {})[name] = morsel.value


def _page(url: str, answer: requests.Response) -> Page:
    reader = _Reader(url)
    if "html" in answer.headers.get("Content-Type", ""):
        answer.encoding = answer.encoding or "utf-8"
        reader.feed(answer.text)
    return Page(url, answer.status_code, answer.text, reader.forms, reader.links)

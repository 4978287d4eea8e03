"""Templates to pages, fragments and mails: one Jinja environment, everything escaped, every text through gettext.

Templates say `{{ _("Text") }}` or `{% trans %}`; a language is one catalogue in locales/ (none yet: English is the
source). Filters: `moment` (absolute, with weekday), `day`, `ago` (relative); all take aware instants.
"""

import gettext
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from calsync_core.web.answers import CONTENT_POLICY, Answer
from calsync_core.web.static_files import static_url

LANGUAGES = ("en",)


def language(*wanted: str) -> str:
    """The first language that we have, by its first two letters; English otherwise."""
    return next((short for text in wanted if (short := text[:2].lower()) in LANGUAGES), "en")


@lru_cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("calsync_core.web", "templates"),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    with as_file(files("calsync_core.web")) as folder:
        catalogue = gettext.translation("calsync", folder / "locales", [locale], fallback=True)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(moment=moment, day=day, ago=ago)
    environment.globals.update(static_url=static_url, locale=locale)
    return environment


def render(template: str, locale: str, values: dict[str, Any]) -> str:
    """A template of templates/ as text. An unknown variable is a bug and raises."""
    return _environment(language(locale)).get_template(template).render(**values)


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of one installation. `business` is the account's name."""

    public_url: str
    business: str
    help_url: str = "/i/help"
    privacy_url: str = ""

    def page(
        self,
        template: str,
        *,
        locale: str = "en",
        status: int = 200,
        cookies: Sequence[str] = (),
        leads_to_sign_in: bool = False,
        **values: Any,
    ) -> Answer:
        """A whole page or a fragment, whichever the template is; never cached, nothing inline allowed.

        `leads_to_sign_in`: a form of this page is answered by a redirect to the provider, who may redirect further to
        an identity provider of the organisation; browsers check form-action along that whole way.
        """
        shared = {
            "business": self.business,
            "help_url": self.help_url,
            "privacy_url": self.privacy_url,
            "public_url": self.public_url,
        }
        headers = {}
        if leads_to_sign_in:
            headers["content-security-policy"] = CONTENT_POLICY.format(forms=self._sign_in_forms())
        body = render(template, locale, {**shared, **values})
        return Answer(status, body, headers={**headers, "content-language": language(locale)}, cookies=tuple(cookies))

    def _sign_in_forms(self) -> str:
        """Local clouds alone speak http; there the sign-in's pages are on loopback too, on a port of their own."""
        is_local = urlsplit(self.public_url).scheme == "http"
        return "'self' https: http://localhost:* http://127.0.0.1:*" if is_local else "'self' https:"


def moment(at: datetime, zone: str = "UTC") -> str:
    """ "Tue 24 Nov 2026, 14:03" in that zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %-d %b %Y, %H:%M}"


def day(at: datetime, zone: str = "UTC") -> str:
    """ "24 November 2026" in that zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%-d %B %Y}"


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """ "2 min ago", "in 3 h"; "-" for never."""
    if at is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    size = abs(seconds)
    if size < 60:
        return "just now" if seconds >= 0 else "in a moment"
    text = (
        f"{int(size // 60)} min"
        if size < 3600
        else f"{int(size // 3600)} h"
        if size < 172800
        else f"{int(size // 86400)} days"
    )
    return f"{text} ago" if seconds >= 0 else f"in {text}"

"""How the week page answers: templates, headers, messages. No rule of booking stands here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from calsync_core.hosts.reference.errors import HostError, InvalidInputError, NotFoundError
from calsync_core.hosts.reference.fields import is_id
from calsync_core.hosts.reference.forms import form_field
from calsync_core.hosts.reference.requests_in import Incoming
from calsync_core.hosts.reference.sessions import SignIn

HERE = Path(__file__).parent
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Fault = tuple[str, str]
FORGED: Fault = ("", "This page has been open for too long. Nothing was changed; please press the button again.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in person. `is_forged`: a form without a token of this session; change nothing."""

    request: Incoming
    token: str
    is_forged: bool


Page = Callable[..., Response[str]]


class Pages:
    """Renders pages of one account, and lets only its own people in."""

    def __init__(self, app: APIGatewayHttpResolver, account: str, account_name: str, public_url: str) -> None:
        self._app = app
        self._account = account
        self._account_name = account_name
        self._public_url = public_url

    def signed_in(self, sign_in: SignIn) -> Callable[[Page], Page]:
        """Wraps a page: who is not signed in is sent to sign in, what does not exist is said so."""

        def wrap(page: Page) -> Page:
            @wraps(page)
            def answer(**ids: str) -> Response[str]:
                event = self._app.current_event.raw_event
                session = sign_in.read_session(event)
                if session is None:
                    # Fixed words, never the address that was asked for: no open redirect.
                    return Response(303, headers={"Location": f"{self._public_url}/signin?next=bookings", **HEADERS})
                if session.account != self._account:
                    return self.message(
                        403, "This is another business", "You are signed in, but not for this business."
                    )
                try:
                    return self._visited(page, event, sign_in, ids)
                except NotFoundError:
                    return self.message(404, "Not found", "It does not exist here, or not any more.")
                except HostError as error:
                    return self.message(error.status, "This could not be read", error.message)

            return answer

        return wrap

    def _visited(self, page: Page, event: Mapping[str, Any], sign_in: SignIn, ids: Mapping[str, str]) -> Response[str]:
        if not all(map(is_id, ids.values())):
            raise NotFoundError("page")
        request = Incoming(event)
        is_form = request.method == "POST"
        is_forged = is_form and not sign_in.is_form_token(event, request.form.get("csrf", ""))
        return page(Visit(request, sign_in.form_token(event), is_forged), **ids)

    def render(self, template: str, visit: Visit | None, status: int = 200, **context: Any) -> Response[str]:
        """The page."""
        token = visit.token if visit else ""
        text = _environment().get_template(template).render(account_name=self._account_name, csrf=token, **context)
        return Response(status, "text/html; charset=utf-8", text, HEADERS)

    def message(self, status: int, title: str, text: str) -> Response[str]:
        """A page that says one thing and leads back."""
        return self.render("message.html", None, status, title=title, text=text)

    def see(self, path: str) -> Response[str]:
        """After a form: look there. `path` is one of ours."""
        return Response(303, headers={"Location": self._public_url + path, **HEADERS})

    def style(self) -> Response[str]:
        """The page's own style sheet."""
        css = (HERE / "static" / "week.css").read_text()
        return Response(200, "text/css; charset=utf-8", css, {**HEADERS, "Cache-Control": "public, max-age=3600"})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["wall"] = _wall
    return environment


def _wall(instant: datetime, zone: str, pattern: str = "%a %d %b %Y, %H:%M") -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime(pattern)


_ADDRESS = "Give an e-mail address such as anna@clinic.example."
# The contract's own messages for these are written for programs.
_FOR_PEOPLE = {
    "customer.email": _ADDRESS,
    "email": _ADDRESS,
    "owner.email": _ADDRESS,
    "customer.phone": "Give at most 50 characters.",
    "name": "Give a name, at most 200 characters long.",
    "owner.name": "Give a name, at most 200 characters long.",
    "buffers.before_min": "Give 0 to 240 minutes.",
    "buffers.after_min": "Give 0 to 240 minutes.",
    "notes.value": "Give at most 32,768 characters.",
    "title": "Give at most 1,000 characters.",
}


def faults_of(error: InvalidInputError) -> list[Fault]:
    """Mistakes, each with the form field it belongs to, as sentences."""
    return [
        (form_field(found["field"]), _FOR_PEOPLE.get(found["field"]) or _sentence(found["message"]))
        for found in error.errors
    ]


def _sentence(text: str) -> str:
    if text.startswith("COUNT "):
        return "Give how many times, from 1 to 366."
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?")) else f"{text}."

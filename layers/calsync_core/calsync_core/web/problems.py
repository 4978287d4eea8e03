"""The one place that turns our errors into HTTP answers: a page for people, problem+json for programs."""

from typing import Any

from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    ConcurrentChangeError,
    ConnectionBrokenError,
    InputError,
    InstallationError,
    LinkChangedError,
    LinkInvalidError,
    LinkUnknownError,
    MailboxTakenError,
    NotFoundError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RefusedError,
    SignInRefusedError,
    StopLineError,
    VersionChangedError,
)
from calsync_core.web.answers import Answer, json_answer
from calsync_core.web.render import Pages
from calsync_core.web.wording import wording

# The first class that fits decides.
_STATUS: tuple[tuple[type[CalsyncError], int], ...] = (
    (NotFoundError, 404),
    (LinkUnknownError, 404),
    (AppointmentGoneError, 404),
    (LinkInvalidError, 410),
    (ProviderThrottledError, 503),
    (ProviderUnavailableError, 503),
    (InstallationError, 503),
    (SignInRefusedError, 403),
    (MailboxTakenError, 409),
    (RefusedError, 409),
    (StopLineError, 409),
    (ConcurrentChangeError, 409),
    (LinkChangedError, 409),
    (VersionChangedError, 409),
    (ConnectionBrokenError, 409),
    (AppointmentRejectedError, 422),
    (InputError, 422),
)
_BY_CODE = {
    "session_missing": 401,
    "key_missing": 401,
    "key_unknown": 401,
    "event_refused": 401,
    "scope_missing": 403,
    "too_soon": 429,
    "role_missing": 403,
    "password_stop": 429,
    "code_stop": 429,
    "server_not_found": 422,
    "app_off": 403,
    "app_needs_code": 403,
    "form_expired": 403,
    "body_too_large": 413,
    "body_unreadable": 400,
    "invited_recently": 429,
    "invited_too_often": 429,
}


def status_of(error: CalsyncError) -> int:
    """The HTTP status of an error; 500 for what has no place in the table."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_page(pages: Pages, error: CalsyncError, *, locale: str = "en", **values: Any) -> Answer:
    """A whole page with the catalogue's text; `way_on`, a tuple (address, label), is the main button."""
    status = status_of(error)
    return pages.page(
        "pages/problem.html",
        locale=locale,
        status=status,
        wording=wording(error.code),
        code=error.code,
        way_on=values.pop("way_on", None),
        **values,
    )


def problem_json(error: CalsyncError) -> Answer:
    """RFC 9457. `detail` of the error holds ids and numbers only, so it may be shown."""
    status, words = status_of(error), wording(error.code)
    body = {
        "type": f"about:blank#{error.code}",
        "title": words.title,
        "status": status,
        "code": error.code,
        "detail": " ".join(part for part in (words.meaning, words.next_step) if part),
        "who_acts": words.actor.value,
        **({"field": error.detail["field"]} if "field" in error.detail else {}),
    }
    answer = json_answer(body, status, "application/problem+json")
    if isinstance(error, ProviderThrottledError):
        seconds = max(1, int(error.retry_after.total_seconds()))
        return Answer(answer.status, answer.body, answer.content_type, {"retry-after": str(seconds)})
    return answer

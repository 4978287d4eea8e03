"""Change notifications of one calendar: create, renew, forget. One subscription per chosen calendar, always by the
calendar's own path: me/events would tell of the default calendar only (graph.md 8.1)."""

from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from calsync_core.adapters.graph.client import GraphClient, GraphRefusedError
from calsync_core.adapters.graph.wire import read_instant, show_instant
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    PermissionMissingError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId
from calsync_core.ports.calendar import Granted

_CHANGES = "created,updated,deleted"


class Subscriptions:
    """Callers say until when (at most 10,080 minutes), and the answer says what was granted."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    def create(self, calendar_id: CalendarId, url: str, lifecycle_url: str, secret: str, until: datetime) -> Granted:
        """Both addresses are asked at once: they must answer before this returns."""
        body = {
            "changeType": _CHANGES,
            "notificationUrl": url,
            "lifecycleNotificationUrl": lifecycle_url,  # cannot be added later
            "resource": resource_of(calendar_id),
            "expirationDateTime": show_instant(until),
            "clientState": secret,
            "latestSupportedTlsVersion": "v1_2",
        }
        try:
            return self._created(body)
        except GraphRefusedError as refused:
            if refused.refusal.status not in {400, 409}:
                raise _meaning(refused) from None
            is_known = refused.refusal.status == 409
        if is_known:
            self._remove_stale(calendar_id, url)
        try:  # after a 400 too: a receiver that had to start may have missed the first handshake
            return self._created(body)
        except GraphRefusedError as refused:
            raise _meaning(refused) from None

    def renew(self, subscription_id: str, until: datetime) -> Granted:
        """Renews and reauthorises. Raises AppointmentGoneError when the service has forgotten it."""
        try:
            answer = self._client.patch(_path(subscription_id), {"expirationDateTime": show_instant(until)})
        except GraphRefusedError as refused:
            if refused.refusal.status == 404:
                raise AppointmentGoneError("subscription_gone") from None
            raise _meaning(refused) from None
        return _granted(answer)

    def delete(self, subscription_id: str) -> None:
        try:
            self._client.delete(_path(subscription_id))
        except GraphRefusedError as refused:
            if refused.refusal.status != 404:
                raise _meaning(refused) from None

    def _created(self, body: dict[str, Any]) -> Granted:
        return _granted(self._client.post("/subscriptions", body))

    def _remove_stale(self, calendar_id: CalendarId, url: str) -> None:
        """Ours are those for the same calendar that tell an address of ours; others of the app are left alone."""
        try:
            found = [one for answer in self._client.pages("/subscriptions") for one in answer.get("value") or ()]
        except GraphRefusedError as refused:
            raise _meaning(refused) from None
        for one in found:
            is_same = calendar_id in str(one.get("resource")) and _host(one.get("notificationUrl")) == _host(url)
            if is_same and one.get("id"):
                self.delete(str(one["id"]))


def resource_of(calendar_id: CalendarId) -> str:
    return f"me/calendars/{calendar_id}/events"


def _path(subscription_id: str) -> str:
    return f"/subscriptions/{quote(subscription_id, safe='')}"


def _host(url: object) -> str:
    return urlsplit(str(url or "")).netloc


def _granted(answer: dict[str, Any]) -> Granted:
    expires_at = read_instant(answer.get("expirationDateTime"))
    if not answer.get("id") or expires_at is None:
        raise ProviderUnavailableError("answer_unreadable", kind="subscription")
    return Granted(str(answer["id"]), expires_at)


def _meaning(refused: GraphRefusedError) -> CalsyncError:
    """403 is the quota or a shared calendar, 404 a calendar without push: it is polled. 400: our address or body."""
    error = refused.error
    if isinstance(error, AppointmentGoneError | PermissionMissingError):
        return PermissionMissingError("push_refused", **error.detail)
    if isinstance(error, AppointmentRejectedError):
        return ProviderUnavailableError(error.code, **error.detail)
    return error

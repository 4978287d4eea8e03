"""What an account may connect, in words: the apps with their rules, and the kinds that an invitation may be for."""

from collections.abc import Mapping
from dataclasses import dataclass

from calsync_core.domain.apps import APPS, AppRule, CalendarKind
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId
from calsync_core.ports.journeys import JourneyPorts


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


KIND_WORDS: Mapping[CalendarKind, str] = {
    CalendarKind.OFFICE365: _("Microsoft 365 / Outlook.com"),
    CalendarKind.EXCHANGE: _("Exchange server of our own"),
    CalendarKind.ANY: _("Let the person choose"),
}
APP_WORDS: Mapping[ProviderKind, str] = {
    ProviderKind.OFFICE365: _("Microsoft 365 / Outlook.com"),
    ProviderKind.EXCHANGE: _("Exchange servers of your own"),
}


@dataclass(frozen=True, slots=True)
class ShownApp:
    name: str
    rule: AppRule


def shown_apps(ports: JourneyPorts, account: AccountId) -> list[ShownApp]:
    apps = ports.stores.apps.get(account)
    return [ShownApp(APP_WORDS[app], apps.rule(app, ports.app_rules)) for app in APPS]


def offered_kinds(ports: JourneyPorts, account: AccountId) -> list[tuple[CalendarKind, str]]:
    """What an invitation may be for now."""
    apps = ports.stores.apps.get(account)
    usable = {app for app in APPS if apps.rule(app, ports.app_rules) is AppRule.OPEN}
    return [
        (kind, words)
        for kind, words in KIND_WORDS.items()
        if (len(usable) == len(APPS) if kind is CalendarKind.ANY else ProviderKind(kind.value) in usable)
    ]


def kind_of(text: str) -> CalendarKind | None:
    """None for an empty field. Raises InputError("calendar_kind_unknown")."""
    if not text:
        return None
    try:
        return CalendarKind(text)
    except ValueError:
        raise InputError("calendar_kind_unknown", field="kind") from None

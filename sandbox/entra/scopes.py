"""The permissions of Microsoft Graph that this stand-in knows, and how a scope parameter is read.

Texts are those of Microsoft's consent page. A scope that is not listed here does not exist (AADSTS650053).
"""

from dataclasses import dataclass

GRAPH_RESOURCE = "https://graph.microsoft.com"

SIGN_IN_SCOPES = ("openid", "profile", "email", "offline_access")
"""Scopes of the sign-in itself; they belong to no resource and never need an admin."""

LOW_RISK_SCOPES = {*SIGN_IN_SCOPES, "User.Read"}
"""What a user may grant in a tenant whose policy reserves the rest for admins."""

DELEGATED: dict[str, tuple[str, str]] = {
    "openid": ("Sign you in", "Allows you to sign in to the app with your account."),
    "profile": ("View your basic profile", "Allows the app to see your name and picture."),
    "email": ("View your email address", "Allows the app to read your primary email address."),
    "offline_access": (
        "Maintain access to data you have given it access to",
        "Allows the app to see and update the data you gave it access to, even when you are not using the app.",
    ),
    "User.Read": ("View your basic profile", "Allows you to sign in to the app and lets it read your profile."),
    "Calendars.Read": ("Read your calendars", "Allows the app to read events in your calendars."),
    "Calendars.ReadBasic": ("Read basic details of your calendars", "Without bodies, attachments and extensions."),
    "Calendars.ReadWrite": (
        "Have full access to your calendars",
        "Allows the app to create, read, update and delete events in your calendars.",
    ),
    "Calendars.Read.Shared": (
        "Read calendars you can access",
        "Allows the app to read events in all calendars you can access, shared ones too.",
    ),
    "Calendars.ReadWrite.Shared": (
        "Read and write to your and shared calendars",
        "Allows the app to create, read, update and delete events in all calendars you may change.",
    ),
    "MailboxSettings.Read": ("Read your mailbox settings", "Time zone, working hours and automatic replies."),
    "MailboxSettings.ReadWrite": ("Read and write to your mailbox settings", "Does not allow sending mail."),
    "Place.Read.All": ("Read company places", "Allows the app to read rooms and room lists."),
    "User.ReadBasic.All": ("Read all users' basic profiles", "Names and addresses of people in your organization."),
    "User.Read.All": ("Read all users' full profiles", "Full profiles of people in your organization."),
    "Mail.Send": ("Send mail as you", "Allows the app to send mail as you."),
}

ADMIN_ONLY_SCOPES = {"Place.Read.All", "User.Read.All"}
"""Delegated scopes that need an admin whatever the tenant's policy."""

ROLES: dict[str, str] = {
    "Calendars.Read": "Read calendars in all mailboxes",
    "Calendars.ReadBasic.All": "Read basic details of calendars in all mailboxes",
    "Calendars.ReadWrite": "Read and write calendars in all mailboxes",
    "MailboxSettings.Read": "Read all user mailbox settings",
    "MailboxSettings.ReadWrite": "Read and write all user mailbox settings",
    "Place.Read.All": "Read all company places",
    "User.Read.All": "Read all users' full profiles",
}


class ScopeError(ValueError):
    """The scope parameter cannot be granted; `code` is the AADSTS number."""

    def __init__(self, code: int, scope: str) -> None:
        super().__init__(f"{code}: {scope}")
        self.code = code
        self.scope = scope


@dataclass(frozen=True)
class RequestedScopes:
    """A scope parameter: `asked` in the form it came in, `names` by their short canonical name."""

    asked: tuple[str, ...]
    names: tuple[str, ...]
    is_default: bool

    @property
    def wants_refresh_token(self) -> bool:
        return "offline_access" in self.names

    @property
    def resource_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name not in SIGN_IN_SCOPES)


def read_scopes(text: str, resources: tuple[str, ...]) -> RequestedScopes:
    """Read a space-separated scope parameter; `resources` are the origins that mean Microsoft Graph here.

    Raises:
        ScopeError: nothing asked (900144), `.default` mixed with others (70011), or a scope that does not
            exist (650053).
    """
    asked = tuple(dict.fromkeys(text.split()))
    if not asked:
        raise ScopeError(900144, "scope")
    names = tuple(dict.fromkeys(_short_name(scope, resources) for scope in asked))
    is_default = ".default" in names
    if is_default and any(name not in (".default", *SIGN_IN_SCOPES) for name in names):
        raise ScopeError(70011, text)
    return RequestedScopes(asked, names, is_default)


def _short_name(scope: str, resources: tuple[str, ...]) -> str:
    name = scope
    for resource in resources:
        if scope.lower().startswith(f"{resource.lower()}/"):
            name = scope[len(resource) + 1 :].lstrip("/")
            break
    else:
        if "://" in scope:
            raise ScopeError(70011, scope)
    if name == ".default":
        return name
    # Entra compares scope names without case and answers with its own spelling.
    for known in DELEGATED:
        if known.lower() == name.lower():
            return known
    raise ScopeError(650053, scope)


def needs_admin(names: tuple[str, ...], consent_policy: str) -> bool:
    """Tell whether a user of a work tenant with that policy cannot grant these scopes himself."""
    if any(name in ADMIN_ONLY_SCOPES for name in names):
        return True
    return consent_policy != "user" and any(name not in LOW_RISK_SCOPES for name in names)

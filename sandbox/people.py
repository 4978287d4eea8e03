"""Who exists at this Microsoft: organisations, persons and rooms, and the apps that may ask for access.

Only facts and look-ups stand here. Signing in is `entra/`, tokens are `tokens.py`, calendars are `mailboxes.py`.
Every attribute a test may want to turn (consent policy, MFA, blocked sign-in, expired secret) is a plain field,
changed through the control API.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

PERSONAL_TENANT_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The one tenant of all Outlook.com, Live and Hotmail accounts."""

ALIASES = ("common", "organizations", "consumers")

ConsentPolicy = Literal["user", "admin", "admin_request"]
"""Who may grant calendar scopes: each user; only an admin; only an admin, whom a user may ask (AADSTS90095)."""

Audience = Literal[
    "AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"
]
PersonKind = Literal["user", "room", "equipment"]


class DirectoryError(ValueError):
    """A person, tenant or app was named that does not exist, or would exist twice."""


@dataclass
class TokenFault:
    """Makes token requests fail with one AADSTS code, `times` times or (None) until taken away."""

    code: int
    times: int | None = None
    grant_type: str | None = None


@dataclass
class AppGrant:
    """What an admin of a tenant has allowed an app: delegated scopes for everyone, roles for the app itself."""

    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    is_disabled: bool = False


@dataclass
class Tenant:
    """One organisation; `grants` has an entry per app that an admin consented to (its service principal)."""

    id: str
    name: str
    domains: list[str]
    consent_policy: ConsentPolicy = "user"
    grants: dict[str, AppGrant] = field(default_factory=dict)
    token_faults: list[TokenFault] = field(default_factory=list)

    @property
    def is_personal(self) -> bool:
        return self.id == PERSONAL_TENANT_ID


@dataclass
class Person:
    """A person, room or piece of equipment with an address. Without a password nobody signs in as it.

    `consents` maps client id -> scopes this person granted. `sign_in_block` is the AADSTS code that every sign-in
    and every token request of this person meets (50057 disabled, 53003 Conditional Access, 50055 password
    expired, 50105 not assigned, ...), 0 for none.
    """

    id: str
    tenant_id: str
    email: str
    display_name: str
    password: str | None = None
    kind: PersonKind = "user"
    is_admin: bool = False
    needs_mfa: bool = False
    sign_in_block: int = 0
    consents: dict[str, list[str]] = field(default_factory=dict)
    token_faults: list[TokenFault] = field(default_factory=list)
    wrong_passwords: int = 0

    @property
    def is_personal(self) -> bool:
        return self.tenant_id == PERSONAL_TENANT_ID

    @property
    def may_sign_in(self) -> bool:
        return self.password is not None


@dataclass
class Secret:
    """A client secret; `expires_at` is an aware UTC instant."""

    value: str
    expires_at: datetime


@dataclass
class App:
    """An app registration: what Entra knows of the product that asks for access."""

    client_id: str
    name: str
    home_tenant_id: str
    redirect_uris: list[str]
    audience: Audience = "AzureADandPersonalMicrosoftAccount"
    publisher: str = ""
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    """Certificates (PEM) with whose keys the app may sign client assertions."""
    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    token_faults: list[TokenFault] = field(default_factory=list)


@dataclass
class Directory:
    """All tenants, persons and apps, with the look-ups that sign-in and the control API need."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if PERSONAL_TENANT_ID not in self.tenants:
            domains = ["outlook.com", "hotmail.com", "live.com"]
            self.tenants[PERSONAL_TENANT_ID] = Tenant(PERSONAL_TENANT_ID, "Microsoft accounts", domains)

    def tenant_named(self, name: str) -> Tenant | None:
        """Find a tenant by its GUID or by one of its verified domains."""
        wanted = name.lower()
        if wanted in self.tenants:
            return self.tenants[wanted]
        for tenant in self.tenants.values():
            # outlook.com is no tenant name at the sign-in host: personal accounts go by alias or GUID only.
            if wanted in tenant.domains and not tenant.is_personal:
                return tenant
        return None

    def person_called(self, email: str) -> Person | None:
        """Find the account that signs in with an address, work accounts before personal ones."""
        found = self.people_called(email)
        return found[0] if found else None

    def people_called(self, email: str) -> list[Person]:
        """All accounts with an address: one person may own a work and a personal account with the same one."""
        wanted = email.strip().lower()
        return sorted((p for p in self.people.values() if p.email == wanted), key=lambda p: p.is_personal)

    def person(self, id_or_email: str) -> Person:
        """Raises DirectoryError when nobody has that id or address."""
        found = self.people.get(id_or_email) or self.person_called(id_or_email)
        if found is None:
            raise DirectoryError(f"there is no person {id_or_email!r}")
        return found

    def add_tenant(self, tenant: Tenant) -> Tenant:
        """Raises DirectoryError when a domain of it is verified by another tenant."""
        for domain in tenant.domains:
            owner = self.tenant_named(domain)
            if owner is not None and owner.id != tenant.id:
                raise DirectoryError(f"{domain!r} belongs to tenant {owner.id}")
        self.tenants[tenant.id] = tenant
        return tenant

    def add_person(self, person: Person) -> Person:
        """Raises DirectoryError for an unknown tenant or an address taken in that tenant."""
        if person.tenant_id not in self.tenants:
            raise DirectoryError(f"there is no tenant {person.tenant_id!r}")
        person.email = person.email.strip().lower()
        if any(p.tenant_id == person.tenant_id and p.id != person.id for p in self.people_called(person.email)):
            raise DirectoryError(f"{person.email!r} exists already in that tenant")
        self.people[person.id] = person
        return person


def new_object_id(tenant_id: str) -> str:
    """Draw an object id; those of personal accounts begin with zeros, as Microsoft's do."""
    drawn = str(uuid.uuid4())
    return f"00000000-0000-0000-{drawn[19:]}" if tenant_id == PERSONAL_TENANT_ID else drawn

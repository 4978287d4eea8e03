"""Role accounts: enter, change, test, remove. Passwords, secrets and keys are read from their press and shown never."""

from dataclasses import dataclass
from typing import Any

from calsync_core.domain.connection_report import ConnectionReport
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import CalsyncError, NotFoundError
from calsync_core.domain.ids import RoleAccountId
from calsync_core.domain.role_accounts import AppKey, RoleAccess, RoleAccount
from calsync_core.usecases.examine_role_account import examine_role_account
from calsync_core.usecases.manage_role_accounts import (
    RoleWish,
    add_role_account,
    change_role_account,
    find_role_account,
    remove_role_account,
)
from calsync_core.usecases.watch_role_accounts import days_left, expiry_code
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.problems import status_of
from calsync_core.web.report_words import WHO_ACTS, report_text, shown_report
from calsync_core.web.request import Request
from calsync_core.web.role_help import ROLE_HELP
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording

BASE = "/console/connections/role-accounts"
KINDS = {ProviderKind.EXCHANGE: "Exchange", ProviderKind.OFFICE365: "Microsoft 365"}


@dataclass(frozen=True, slots=True)
class ShownRole:
    """One line of the list. `trouble` is why it does not answer, or that its key ends."""

    role: RoleAccount
    kind: str
    trouble: Wording | None
    days: int | None
    is_ending: bool


def shown_roles(parts: ConsoleParts, visit: Visit) -> list[ShownRole]:
    """By title."""
    now = parts.ports.clock.now()
    return [_shown(role, expiry_code(role, now), days_left(role, now)) for role in _roles(parts, visit)]


@dataclass(frozen=True, slots=True)
class RoleAccountPages:
    parts: ConsoleParts

    def ask_new(self, visit: Visit) -> Answer:
        return self._page(visit, None, RoleWish("", _kind(visit.request.argument("kind"))))

    def create(self, visit: Visit) -> Answer:
        wish = _wish(visit.request)
        try:
            role = add_role_account(self.parts.ports, visit.account, wish)
        except CalsyncError as error:
            return self._page(visit, None, wish, error=error)
        return see_other(f"{BASE}/{role.id}?done=role_saved")

    def show(self, visit: Visit, role_id: str) -> Answer:
        role = self._role(visit, role_id)
        return self._page(visit, role, self._present(role))

    def change(self, visit: Visit, role_id: str) -> Answer:
        role, wish = self._role(visit, role_id), _wish(visit.request)
        try:
            change_role_account(self.parts.ports, visit.account, role.id, wish)
        except CalsyncError as error:
            return self._page(visit, role, wish, error=error)
        return see_other(f"{BASE}/{role.id}?done=role_saved")

    def test(self, visit: Visit, role_id: str) -> Answer:
        """The report stands in this answer; nobody's times are in it, only how many there are."""
        role = self._role(visit, role_id)
        try:
            report = examine_role_account(self.parts.ports, visit.account, role.id, visit.request.field("about")[:254])
        except CalsyncError as error:
            return self._page(visit, role, self._present(role), error=error, place="test")
        role = self._role(visit, role_id)
        return self._page(visit, role, self._present(role), report=report)

    def remove(self, visit: Visit, role_id: str) -> Answer:
        remove_role_account(self.parts.ports.stores, visit.account, self._role(visit, role_id).id)
        return see_other("/console/connections?done=role_removed#role-accounts")

    def _role(self, visit: Visit, role_id: str) -> RoleAccount:
        if len(role_id) > 64:
            raise NotFoundError("role_account_unknown")
        return find_role_account(self.parts.ports.stores, visit.account, RoleAccountId(role_id))

    def _present(self, role: RoleAccount) -> RoleWish:
        endpoint = self.parts.ports.role_accounts.token_endpoint_of(role.directory) if role.directory else ""
        return RoleWish(
            role.title,
            role.kind.value,
            "\n".join(role.mail_domains),
            server=role.server or "",
            address=role.address,
            login="" if role.login == role.address else role.login,
            access=role.access.value,
            token_endpoint=endpoint,
            client_id=role.client_id,
            key=role.key.value,
            acts_for=role.acts_for,
            expires_on=f"{role.expires_at:%Y-%m-%d}" if role.expires_at and role.key is AppKey.SECRET else "",
        )

    def _page(
        self,
        visit: Visit,
        role: RoleAccount | None,
        wish: RoleWish,
        *,
        error: CalsyncError | None = None,
        report: ConnectionReport | None = None,
        place: str = "form",
    ) -> Answer:
        """`place` is the section in which the refusal is told."""
        ports = self.parts.ports
        now = ports.clock.now()
        code = expiry_code(role, now) if role else ""
        return self.parts.frame.show(
            visit,
            "role_account",
            section="connections",
            status=status_of(error) if error else 200,
            role=role,
            base=f"{BASE}/{role.id}" if role else BASE,
            wish=wish,
            is_exchange=wish.kind == ProviderKind.EXCHANGE.value,
            servers=ports.stores.servers.of_account(visit.account),
            accesses=_ACCESSES,
            trouble=wording(error.code) if error else None,
            wrong_field=str(error.detail.get("field", "")) if error else "",
            place=place,
            about=visit.request.field("about")[:254] if place == "test" or report else (role.tried_on if role else ""),
            ending=wording(code) if code else None,
            days=days_left(role, now) if role else None,
            last=wording(role.code) if role and role.code and not report else None,
            report=report,
            shown=shown_report(report) if report else (),
            text=report_text(report) if report else "",
            actors=WHO_ACTS,
            help=ROLE_HELP,
            notice=notice(visit.request),
        )


_ACCESSES: tuple[tuple[str, str], ...] = (
    (RoleAccess.ORG_WIDE.value, "Account of the organisation"),
    (RoleAccess.DELEGATE.value, "What is shared"),
    (RoleAccess.IMPERSONATION.value, "Impersonation"),
)


def _roles(parts: ConsoleParts, visit: Visit) -> list[RoleAccount]:
    return parts.ports.stores.role_accounts.of_account(visit.account)


def _shown(role: RoleAccount, expiry: str, days: int | None) -> ShownRole:
    trouble = wording(role.code) if role.code else wording(expiry) if expiry else None
    return ShownRole(role, KINDS[role.kind], trouble, days, is_ending=bool(expiry))


def _kind(text: str) -> str:
    kinds = {kind.value for kind in KINDS}
    return text if text in kinds else ProviderKind.EXCHANGE.value


def _wish(request: Request) -> RoleWish:
    names = (
        "title", "kind", "mail_domains", "server", "address", "login", "access", "password", "token_endpoint",
        "client_id", "key", "secret", "acts_for", "expires_on",
    )  # fmt: skip
    fields: dict[str, Any] = {name: request.field(name) for name in names}
    # A file that was uploaded comes before the text that was pasted.
    return RoleWish(
        **fields,
        certificate=request.field("certificate_file").strip() or request.field("certificate"),
        private_key=request.field("private_key_file").strip() or request.field("private_key"),
    )

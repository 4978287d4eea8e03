"""Giving persons an account on an Exchange server: what the control API takes, and the defaults of an organisation."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from sandbox.exchange.directory import DEFAULT_SERVER, ExchangeAccount, ExchangeState, FreeBusyRight, Location
from sandbox.people import DirectoryError, Person


class ExchangeInput(BaseModel):
    """A person's `exchange` facts; what is not given has the default of a new account, or stays as it was."""

    model_config = ConfigDict(extra="forbid")

    server: str = DEFAULT_SERVER
    login: str | None = None
    upn: str | None = None
    location: Location = "on_prem"
    is_ews_enabled: bool = True
    is_disabled: bool = False
    is_password_expired: bool = False
    may_impersonate: list[str] = []
    free_busy_for_others: FreeBusyRight = "time"
    is_org_wide: bool = False
    locked_until: datetime | None = None
    cloud_address: str = ""

    def check(self, state: ExchangeState, email: str, person_id: str = "") -> None:
        """Raises DirectoryError for a server that does not exist or a login that is taken."""
        if self.server not in state.servers:
            raise DirectoryError(f"there is no Exchange server {self.server!r}; add it first")
        names = {(self.login or _login(email)).casefold(), (self.upn or email).casefold()}
        for account in state.accounts_on(state.servers[self.server]):
            if account.person_id != person_id and names & {account.login.casefold(), account.upn.casefold()}:
                raise DirectoryError(f"login {account.login!r} is taken on server {self.server!r}")


def put_account(state: ExchangeState, person: Person, wanted: ExchangeInput) -> ExchangeAccount:
    """Give a person an account. Raises DirectoryError."""
    wanted.check(state, person.email, person.id)
    account = ExchangeAccount(
        person_id=person.id,
        login=wanted.login or _login(person.email),
        upn=wanted.upn or person.email,
        **wanted.model_dump(exclude={"login", "upn"}),
    )
    state.accounts[person.id] = account
    return account


def change_account(state: ExchangeState, person: Person, wanted: ExchangeInput) -> ExchangeAccount:
    """Change what was given, or make the account. Raises DirectoryError."""
    account = state.accounts.get(person.id)
    if account is None:
        return put_account(state, person, wanted)
    given = wanted.model_dump(exclude_unset=True)
    merged = ExchangeInput.model_validate(
        {"server": account.server, "login": account.login, "upn": account.upn} | given
    )
    merged.check(state, person.email, person.id)
    for name, value in given.items():
        setattr(account, name, value)
    if "locked_until" in given and given["locked_until"] is None:
        account.wrong_passwords.clear()
    return account


def _login(email: str) -> str:
    return email.partition("@")[0][:20]

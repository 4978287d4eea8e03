"""The Exchange servers of the journey's tests refuse and lock as real ones do."""

import pytest
from calsync_core.adapters.memory.exchange import MemoryExchange, MemoryExchangeAccess
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError, SignInRefusedError
from calsync_core.domain.ids import AccountId
from calsync_core.ports.exchange import ExchangeLogin, ServerHint, StepName, StepResult, Trial
from calsync_core.ports.signin import SignedIn

ACCOUNT = AccountId("main")


@pytest.fixture
def exchange() -> MemoryExchange:
    directory = MemoryExchange()
    directory.add_server(domain="clinic.example").add("anna@clinic.example", "Winter-2026!", "CLINIC\\anna")
    return directory


def sign_in(exchange: MemoryExchange) -> SignedIn:
    server = exchange.find("anna@clinic.example", "CLINIC\\anna", "Winter-2026!")
    return exchange.sign_in(ExchangeLogin(server, "anna@clinic.example", "CLINIC\\anna", "Winter-2026!"))


def test_a_sign_in_names_server_and_mailbox_and_opens_it(exchange: MemoryExchange) -> None:
    signed_in = sign_in(exchange)
    opened = MemoryExchangeAccess(exchange, memory_stores().credentials).of_grant(ACCOUNT, signed_in.cache)

    assert signed_in.identity.provider is ProviderKind.EXCHANGE
    assert (signed_in.identity.directory, signed_in.identity.subject) == ("mail.clinic.example", "anna@clinic.example")
    assert opened.account().identity == signed_in.identity
    assert b"Winter" not in repr(ExchangeLogin.decode(signed_in.cache)).encode()


def test_wrong_passwords_lock_the_account_and_a_later_change_breaks_the_connection(exchange: MemoryExchange) -> None:
    opened = MemoryExchangeAccess(exchange, memory_stores().credentials).of_grant(ACCOUNT, sign_in(exchange).cache)
    for _ in range(5):
        with pytest.raises(SignInRefusedError, match="password_wrong"):
            exchange.find("anna@clinic.example", "CLINIC\\anna", "guess")
    with pytest.raises(ConsentRevokedError, match="password_wrong"):
        opened.calendars()


def test_nobody_answers_for_a_foreign_domain(exchange: MemoryExchange) -> None:
    with pytest.raises(ConnectionBrokenError, match="server_not_found"):
        exchange.find("max@elsewhere.example", "max", "secret")
    with pytest.raises(SignInRefusedError, match="microsoft365"):
        exchange.find("max@elsewhere.example", "max", "secret", ServerHint("https://outlook.office365.com/EWS"))
    assert all(not server.passwords_seen for server in exchange.servers.values())


def test_the_connection_test_names_every_step_once(exchange: MemoryExchange) -> None:
    steps = list(exchange.examine(Trial("anna@clinic.example", "CLINIC\\anna", "Winter-2026!")))
    assert [step.name for step in steps] == list(StepName)
    assert {step.result for step in steps if step.name is not StepName.CHANGE_MESSAGES} == {StepResult.OK}
    failed = list(exchange.examine(Trial("anna@clinic.example", "CLINIC\\anna", "wrong")))
    assert (failed[0].result, failed[0].code) == (StepResult.FAILED, "password_wrong")
    assert {step.result for step in failed[1:]} == {StepResult.NOT_TRIED}


def test_credentials_of_another_provider_are_none(exchange: MemoryExchange) -> None:
    for cache in (b"", b"{}", b'{"AccessToken": {}}', b'{"provider":"exchange","login":{}}'):
        with pytest.raises(ConsentRevokedError, match="auth_missing"):
            ExchangeLogin.decode(cache)

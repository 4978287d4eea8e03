"""Signing in to the sandbox's Exchange: Basic, NTLM, Negotiate, names, lock-outs - by real clients and by hand."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import spnego
from exchangelib.errors import UnauthorizedError
from exchangelib.properties import AlternateId
from exchangelib.protocol import Protocol
from exchangelib.services import ConvertId
from spnego.channel_bindings import GssChannelBindings

from sandbox.exchange.ntlm import end_point_bindings
from tests.sandbox.ews_client import BASIC, NTLM, account, call, envelope, trusted, trusting
from tests.sandbox.ews_schema import check_log
from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import PASSWORD

ANNA = "anna@clinic.example"
RESOLVE = '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>anna</m:UnresolvedEntry></m:ResolveNames>'


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    """Anna has an account CLINIC\\aabel; every message of the test is held against the schema."""
    microsoft.control("PATCH", "/exchange/servers/exchange", {"netbios_domain": "CLINIC", "dns_domain": "clinic.lan"})
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {"login": "aabel", "upn": "anna.abel@clinic.lan"}})
    with trusting(microsoft.addresses["ca_file"]):
        yield
    check_log(microsoft)


def resolves(protocol: Protocol) -> list[Any]:
    return list(protocol.resolve_names(["anna"]))


def statuses(microsoft: Microsoft) -> list[int]:
    return [entry["status"] for entry in microsoft.control("GET", "/log?path=(?i)/ews/")["entries"]]


@pytest.mark.parametrize("auth_type", [BASIC, NTLM])
@pytest.mark.parametrize(
    "login", ["CLINIC\\aabel", "clinic.lan\\aabel", "anna.abel@clinic.lan", "AABEL@clinic.lan", "clinic\\AABEL"]
)
def test_each_way_to_write_a_login_signs_in(microsoft: Microsoft, auth_type: str, login: str) -> None:
    them = account(microsoft, ANNA, login, hints={"auth_type": auth_type})

    assert [found.email_address for found in resolves(them.protocol)] == [ANNA]


def test_an_address_that_is_no_login_does_not_sign_in(microsoft: Microsoft) -> None:
    with pytest.raises(UnauthorizedError):
        resolves(account(microsoft, ANNA, ANNA).protocol)


def test_ntlm_signs_the_connection_in_and_not_each_request(microsoft: Microsoft) -> None:
    protocol = account(microsoft, ANNA, "CLINIC\\aabel", hints={"auth_type": NTLM}).protocol

    resolves(protocol)
    resolves(protocol)

    assert statuses(microsoft) == [401, 401, 200, 200]


def test_ntlm_of_one_connection_is_worth_nothing_on_another(microsoft: Microsoft) -> None:
    client, name = httpx.Client(verify=trusted(microsoft), trust_env=False), "CLINIC\\aabel"
    with client:
        assert shaken(microsoft, client, name).status_code == 200
        assert client.post(microsoft.addresses["ews"], content=envelope(RESOLVE)).status_code == 200
    with httpx.Client(verify=trusted(microsoft), trust_env=False) as other:
        assert other.post(microsoft.addresses["ews"], content=envelope(RESOLVE)).status_code == 401


def shaken(
    microsoft: Microsoft,
    client: httpx.Client,
    name: str,
    password: str = PASSWORD,
    kind: str = "NTLM",
    bindings: GssChannelBindings | None = None,
) -> httpx.Response:
    """A handshake by hand, as libsoup and browsers do it: in both legs the whole request goes along."""
    options = spnego.NegotiateOptions.use_negotiate if kind == "Negotiate" else spnego.NegotiateOptions.use_ntlm
    protocol = "negotiate" if kind == "Negotiate" else "ntlm"
    context = spnego.client(name, password, protocol=protocol, options=options, channel_bindings=bindings)
    answer, token = None, context.step()
    while token:
        headers = {"Authorization": f"{kind} {base64.b64encode(token).decode()}"}
        answer = client.post(microsoft.addresses["ews"], content=envelope(RESOLVE), headers=headers)
        challenge = answer.headers.get("www-authenticate", "").partition(" ")
        if answer.status_code != 401 or challenge[0] != kind or not challenge[2]:
            return answer
        token = context.step(base64.b64decode(challenge[2]))
    assert answer is not None
    return answer


@pytest.mark.parametrize("kind", ["NTLM", "Negotiate"])
def test_a_handshake_by_hand(microsoft: Microsoft, kind: str) -> None:
    with httpx.Client(verify=trusted(microsoft), trust_env=False) as client:
        assert shaken(microsoft, client, "CLINIC\\aabel", kind=kind).status_code == 200
    with httpx.Client(verify=trusted(microsoft), trust_env=False) as client:
        assert shaken(microsoft, client, "CLINIC\\aabel", "wrong", kind=kind).status_code == 401
    with httpx.Client(verify=trusted(microsoft), trust_env=False) as client:
        assert shaken(microsoft, client, "CLINIC\\nobody", kind=kind).status_code == 401


def test_extended_protection(microsoft: Microsoft) -> None:
    """Wanted bindings must be those of this very TLS certificate; "allow" only checks what is sent."""
    folder = microsoft.addresses["ca_file"].rpartition("/")[0]
    right, wrong = end_point_bindings(f"{folder}/server.pem"), GssChannelBindings(application_data=b"of a proxy")

    def status(bindings: GssChannelBindings | None) -> int:
        with httpx.Client(verify=trusted(microsoft), trust_env=False) as client:
            return shaken(microsoft, client, "CLINIC\\aabel", bindings=bindings).status_code

    assert [status(right), status(None), status(wrong)] == [200, 200, 401]
    microsoft.control("PATCH", "/exchange/servers/exchange", {"extended_protection": "require"})
    assert [status(right), status(None), status(wrong)] == [200, 401, 401]
    microsoft.control("PATCH", "/exchange/servers/exchange", {"extended_protection": "none"})
    assert [status(right), status(None), status(wrong)] == [200, 200, 200]


def test_exchangelib_sends_the_bindings(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"extended_protection": "require"})

    assert resolves(account(microsoft, ANNA, "CLINIC\\aabel", hints={"auth_type": NTLM}).protocol)


@pytest.mark.parametrize("methods", [["Basic"], ["NTLM"], ["Negotiate", "NTLM"], ["Negotiate", "NTLM", "Basic"]])
def test_a_directory_offers_its_methods_and_takes_no_other(microsoft: Microsoft, methods: list[str]) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"ews_auth": methods})

    anonymous = microsoft.machine.post("/EWS/Exchange.asmx", content=envelope(RESOLVE))

    assert [h.partition(" ")[0] for h in anonymous.headers.get_list("www-authenticate")] == methods
    assert call(microsoft, "aabel", RESOLVE).status_code == (200 if "Basic" in methods else 401)


def test_wrong_passwords_lock_the_account_and_nothing_tells(microsoft: Microsoft) -> None:
    """After three the right one is refused like a wrong one, until the time is over; then all is well again."""
    microsoft.control("PATCH", "/exchange/servers/exchange", {"lockout_threshold": 3, "lockout_minutes": 15})

    refused = [call(microsoft, "aabel", RESOLVE, password="wrong") for _ in range(3)]
    locked = call(microsoft, "aabel", RESOLVE)

    assert {answer.status_code for answer in refused} == {401}
    assert (locked.status_code, locked.content) == (401, b"")
    assert locked.headers.get_list("www-authenticate") == refused[0].headers.get_list("www-authenticate")
    microsoft.advance(minutes=16)
    assert call(microsoft, "aabel", RESOLVE).status_code == 200


def test_wrong_passwords_by_ntlm_count_as_well(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"lockout_threshold": 2})

    for _ in range(2):
        with pytest.raises(UnauthorizedError):
            resolves(account(microsoft, ANNA, "CLINIC\\aabel", "wrong", hints={"auth_type": NTLM}).protocol)

    assert microsoft.control("GET", f"/people/{ANNA}")["exchange"]["locked_until"] is not None
    assert call(microsoft, "aabel", RESOLVE).status_code == 401


def test_a_right_password_forgets_the_wrong_ones(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"lockout_threshold": 2})

    for password in ("wrong", PASSWORD, "wrong", PASSWORD):
        status = call(microsoft, "aabel", RESOLVE, password=password).status_code
        assert status == (200 if password == PASSWORD else 401)


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"is_password_expired": True}])
def test_a_disabled_account_and_an_expired_password_are_401(microsoft: Microsoft, change: dict[str, bool]) -> None:
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": change})

    assert call(microsoft, "aabel", RESOLVE).status_code == 401


def test_a_changed_password(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", f"/people/{ANNA}", {"password": "new: one"})

    assert call(microsoft, "aabel", RESOLVE).status_code == 401
    assert call(microsoft, "aabel", RESOLVE, password="new: one").status_code == 200
    protocol = account(microsoft, ANNA, "CLINIC\\aabel", "new: one", hints={"auth_type": NTLM}).protocol
    assert resolves(protocol)


def test_a_401_loop(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"is_401_loop": True})

    with pytest.raises(UnauthorizedError):
        resolves(account(microsoft, ANNA, "CLINIC\\aabel", hints={"auth_type": NTLM}).protocol)
    assert microsoft.control("GET", f"/people/{ANNA}")["exchange"]["wrong_passwords"] == []


def test_exchangelib_finds_the_methods_and_the_version_by_itself(microsoft: Microsoft) -> None:
    them = account(microsoft, ANNA, "CLINIC\\aabel", hints={"auth_type": None, "version": None})

    assert them.protocol.auth_type == NTLM
    assert str(them.version.build) == "15.2.2562.17"
    dummy = AlternateId(id="DUMMY", format="EwsId", mailbox="DUMMY")
    assert [type(e).__name__ for e in ConvertId(protocol=them.protocol).call([dummy], "EntryId")] == [
        "ErrorInvalidIdMalformed"
    ]


def test_the_request_log_knows_who_asked_and_keeps_no_secret(microsoft: Microsoft) -> None:
    call(microsoft, "aabel", RESOLVE)

    entry = microsoft.control("GET", "/log?path=(?i)/ews/")["entries"][-1]
    assert entry["mailbox"] == ANNA
    assert "authorization" not in entry["request_headers"]

"""Several Exchange servers in one sandbox: ports and certificates of their own, people on each, a restart."""

import ssl
from pathlib import Path

import httpx
import pytest
from exchangelib.errors import ErrorNameResolutionNoResults, TransportError

from tests.sandbox.ews_client import account, call, code_of, found, trusted, trusting
from tests.sandbox.small_microsoft import Microsoft, clients, connect, start
from tests.sandbox.test_persistence import ports_of
from tests.sandbox.walks import PASSWORD

ANNA, BERT = "anna@clinic.example", "bert@clinic.example"
RESOLVE = '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>b</m:UnresolvedEntry></m:ResolveNames>'


def second(microsoft: Microsoft, **more: object) -> str:
    """A second server on its own port with Bert on it; its EWS address."""
    made = microsoft.control("POST", "/exchange/servers", {"name": "old", "has_own_port": True, **more})
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {"server": "old"}})
    return str(made["urls"]["ews"])


def test_each_server_has_its_release_and_its_people(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {}})
    url = second(microsoft, release="2010_SP2")

    with trusting(microsoft.addresses["ca_file"]):
        hers, his = account(microsoft, ANNA), account(microsoft, BERT, url=url, hints={"version": None})
        assert his.version.build.major_version == 14
        assert [m.email_address for m in his.protocol.resolve_names(["b"])] == [BERT]
        assert [type(found) for found in hers.protocol.resolve_names(["bert"])] == [ErrorNameResolutionNoResults]
    assert call(microsoft, BERT, RESOLVE).status_code == 401


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("wrong_name", "mismatch"),
        ("expired", "expired"),
        ("unknown_authority", "self-signed|unable to get|verify failed"),
    ],
)
def test_certificates_that_must_not_be_trusted(microsoft: Microsoft, certificate: str, words: str) -> None:
    url = second(microsoft, certificate=certificate)

    with (
        httpx.Client(verify=trusted(microsoft), trust_env=False) as client,
        pytest.raises(httpx.ConnectError, match=f"(?i){words}"),
    ):
        client.get(url)
    with trusting(microsoft.addresses["ca_file"]), pytest.raises(TransportError):
        account(microsoft, BERT, url=url).protocol.resolve_names(["b"])
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(verify=careless, trust_env=False) as client:
        assert client.get(url, auth=(BERT, PASSWORD)).status_code == 302


def test_a_certificate_changes_while_the_port_stays(microsoft: Microsoft) -> None:
    url = second(microsoft, certificate="expired")

    changed = microsoft.control("PATCH", "/exchange/servers/old", {"certificate": "good"})

    assert changed["urls"]["ews"] == url
    assert microsoft.machine.get(url, auth=(BERT, PASSWORD)).status_code == 302


def test_a_server_that_goes_leaves_no_port(microsoft: Microsoft) -> None:
    url = second(microsoft)
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {"server": "exchange"}})

    microsoft.control("DELETE", "/exchange/servers/old")

    with pytest.raises(httpx.ConnectError):
        microsoft.machine.get(url)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "exchange"},
        {"name": "x", "release": "5.5"},
        {"name": "x", "nonsense": 1},
        {"name": "x", "certificate": "expired"},
        {"name": "x", "limits": {"nonsense": 1}},
    ],
)
def test_servers_that_make_no_sense(microsoft: Microsoft, body: dict[str, object]) -> None:
    assert microsoft.people.post("/control/exchange/servers", json=body).status_code in (400, 422)


@pytest.mark.parametrize("facts", [{"server": "none"}, {"login": "bert"}])
def test_accounts_that_cannot_be(microsoft: Microsoft, facts: dict[str, str]) -> None:
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {}})
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": facts}, status=400)


def test_a_restart_keeps_servers_accounts_and_subscriptions(tmp_path: Path) -> None:
    first = start(tmp_path)
    for microsoft in connect(first):
        microsoft.control("PATCH", "/exchange/push", {"is_held": True})
        microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {"login": "aabel"}})
        url = second(microsoft, release="2013_SP1")
        body = (
            "<m:Subscribe><m:PushSubscriptionRequest>"
            '<t:FolderIds><t:DistinguishedFolderId Id="calendar"/></t:FolderIds>'
            "<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>"
            "<t:StatusFrequency>5</t:StatusFrequency><t:URL>https://localhost/</t:URL>"
            "</m:PushSubscriptionRequest></m:Subscribe>"
        )
        assert code_of(call(microsoft, "aabel", body)) == "NoError"
        kept = microsoft.control("GET", "/exchange/subscriptions")
    assert first.stop() == 0

    again = start(tmp_path, *ports_of(first))
    try:
        with clients(again) as microsoft:
            assert microsoft.control("GET", "/exchange/subscriptions") == kept
            assert microsoft.control("GET", "/exchange/push")["settings"]["is_held"] is True
            assert call(microsoft, "aabel", RESOLVE).status_code == 200
            answer = call(microsoft, BERT, RESOLVE, "Exchange2013", url=url)
            assert found(answer, "//t:ServerVersionInfo/@MajorVersion") == ["15"]
    finally:
        again.stop()

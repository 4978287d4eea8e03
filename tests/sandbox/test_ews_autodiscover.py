"""Autodiscover of the sandbox: SOAP by exchangelib, plain XML and JSON by hand, redirections of every kind."""

from collections.abc import Iterator

import httpx
import pytest
from exchangelib import BASIC, NTLM, Configuration, Credentials, FailFast
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import ErrorNonExistentMailbox
from exchangelib.properties import UserResponse
from lxml import etree

from tests.sandbox.ews_client import trusting
from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import PASSWORD

ANNA = "anna@clinic.example"
INNER = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
OUTER = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
REQUEST = (
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
    "<EMailAddress>{}</EMailAddress><AcceptableResponseSchema>"
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"
    "</Request></Autodiscover>"
)


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {"login": "aabel"}})
    with trusting(microsoft.addresses["ca_file"]):
        yield


def settings_of(microsoft: Microsoft, address: str, auth_type: str | None = NTLM) -> UserResponse:
    config = Configuration(
        service_endpoint=f"{microsoft.addresses['login']}/Autodiscover/Autodiscover.svc",
        credentials=Credentials("CORP\\aabel", PASSWORD),
        auth_type=auth_type,
        retry_policy=FailFast(),
    )
    return AutodiscoverProtocol(config=config).get_user_settings(user=address)


def pox(microsoft: Microsoft, address: str, path: str = "/autodiscover/autodiscover.xml") -> httpx.Response:
    headers = {"Content-Type": "text/xml"}
    return microsoft.machine.post(path, content=REQUEST.format(address), auth=("aabel", PASSWORD), headers=headers)


@pytest.mark.parametrize("auth_type", [None, BASIC, NTLM])
def test_exchangelib_finds_the_address(microsoft: Microsoft, auth_type: str | None) -> None:
    found = settings_of(microsoft, ANNA, auth_type)

    assert found.ews_url == microsoft.addresses["ews"]
    assert found.autodiscover_smtp_address == ANNA
    assert found.version.api_version == "Exchange2016"
    found.raise_errors()


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
def test_plain_xml(microsoft: Microsoft, path: str) -> None:
    root = etree.fromstring(pox(microsoft, ANNA, path).content)

    protocols = {p.findtext(f"{INNER}Type"): p for p in root.iter(f"{INNER}Protocol")}
    assert root.findtext(f".//{INNER}AutoDiscoverSMTPAddress") == ANNA
    assert protocols["EXPR"].findtext(f"{INNER}EwsUrl") == microsoft.addresses["ews"]
    assert protocols["EXPR"].findtext(f"{INNER}ASUrl") == microsoft.addresses["ews"]
    assert (protocols["EXCH"].findtext(f"{INNER}EwsUrl") or "").startswith("https://ex01.corp.example/")


def test_without_an_external_url_only_the_inner_one_is_told(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"has_external_url": False})

    root = etree.fromstring(pox(microsoft, ANNA).content)

    assert [p.findtext(f"{INNER}Type") for p in root.iter(f"{INNER}Protocol")] == ["EXCH"]
    assert settings_of(microsoft, ANNA).ews_url is None


def test_an_address_that_nobody_has(microsoft: Microsoft) -> None:
    assert etree.fromstring(pox(microsoft, "x@clinic.example").content).findtext(f".//{OUTER}ErrorCode") == "500"
    with pytest.raises(ErrorNonExistentMailbox):
        settings_of(microsoft, "x@clinic.example").raise_errors()


@pytest.mark.parametrize(
    ("body", "code"), [("<x/>", "600"), ("no xml", "600"), (REQUEST.replace("2006a", "2007"), "601")]
)
def test_plain_xml_that_is_wrong(microsoft: Microsoft, body: str, code: str) -> None:
    answer = microsoft.machine.post("/autodiscover/autodiscover.xml", content=body, auth=("aabel", PASSWORD))

    assert etree.fromstring(answer.content).findtext(f".//{OUTER}ErrorCode") == code


def test_a_mailbox_that_moved_is_redirected_by_address(microsoft: Microsoft) -> None:
    moved = {"location": "moved", "cloud_address": "anna@clinic.mail.onmicrosoft.example"}
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": moved})

    root = etree.fromstring(pox(microsoft, ANNA).content)

    assert root.findtext(f".//{INNER}Action") == "redirectAddr"
    assert root.findtext(f".//{INNER}RedirectAddr") == "anna@clinic.mail.onmicrosoft.example"
    assert settings_of(microsoft, ANNA).redirect_address == "anna@clinic.mail.onmicrosoft.example"


def test_a_mailbox_of_another_server_is_redirected_by_url(microsoft: Microsoft) -> None:
    microsoft.control("POST", "/exchange/servers", {"name": "old", "release": "2016", "hosts": ["old.example"]})
    microsoft.control("PATCH", "/people/bert@clinic.example", {"exchange": {"server": "old"}})

    root = etree.fromstring(pox(microsoft, "bert@clinic.example").content)

    assert root.findtext(f".//{INNER}Action") == "redirectUrl"
    assert (root.findtext(f".//{INNER}RedirectUrl") or "").startswith("https://old.example:")
    assert (settings_of(microsoft, "bert@clinic.example").redirect_url or "").endswith("/autodiscover/autodiscover.svc")


def test_redirection_by_http(microsoft: Microsoft) -> None:
    """Plain http only points at TLS; a server may send everybody elsewhere, before any sign-in."""
    plain = microsoft.people.get("/Autodiscover/Autodiscover.xml")
    assert (plain.status_code, plain.headers["location"]) == (
        302,
        f"{microsoft.addresses['login']}/autodiscover/autodiscover.xml",
    )

    elsewhere = "https://autodiscover-s.outlook.example/autodiscover/autodiscover.xml"
    microsoft.control("PATCH", "/exchange/servers/exchange", {"autodiscover_redirect": elsewhere})
    answer = microsoft.machine.post("/autodiscover/autodiscover.xml", content=REQUEST.format(ANNA))
    assert (answer.status_code, answer.headers["location"]) == (302, elsewhere)


def test_methods_of_this_directory_are_its_own(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"autodiscover_auth": ["NTLM"]})

    assert pox(microsoft, ANNA).status_code == 401
    assert settings_of(microsoft, ANNA).ews_url


def test_old_servers_and_switches(microsoft: Microsoft) -> None:
    path = "/autodiscover/autodiscover.svc"
    microsoft.control("PATCH", "/exchange/servers/exchange", {"release": "2007_SP1"})
    assert microsoft.machine.post(path, auth=("aabel", PASSWORD)).status_code == 404
    assert pox(microsoft, ANNA).status_code == 200
    microsoft.control("PATCH", "/exchange/servers/exchange", {"release": "SE", "has_soap_autodiscover": False})
    assert microsoft.machine.post(path, auth=("aabel", PASSWORD)).status_code == 404
    microsoft.control("PATCH", "/exchange/servers/exchange", {"is_autodiscover_on": False})
    assert pox(microsoft, ANNA).status_code == 404


def test_json_asks_for_no_sign_in(microsoft: Microsoft) -> None:
    answer = microsoft.machine.get(f"/autodiscover/autodiscover.json/v1.0/{ANNA}?Protocol=EWS")
    assert answer.json() == {"Protocol": "EWS", "Url": microsoft.addresses["ews"]}
    cloud = microsoft.machine.get("/autodiscover/autodiscover.json/v1.0/bert@clinic.example?Protocol=EWS")
    assert cloud.json()["Url"] == "https://outlook.office365.com/EWS/Exchange.asmx"
    assert microsoft.machine.get(f"/autodiscover/autodiscover.json?Email={ANNA}&Protocol=x").status_code == 400

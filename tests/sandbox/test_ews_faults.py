"""Faults on demand at the sandbox's Exchange: error codes, throttling, HTML instead of SOAP, broken documents."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from exchangelib.errors import (
    ErrorItemNotFound,
    ErrorServerBusy,
    MalformedResponseError,
)
from lxml import etree

from sandbox.exchange.dispatch import OPERATIONS
from sandbox.exchange.service import load_operations
from tests.sandbox.ews_client import NTLM, account, call, code_of, found, trusting
from tests.sandbox.ews_schema import check_log
from tests.sandbox.small_microsoft import Microsoft

load_operations()
ANNA = "anna@clinic.example"
RESOLVE = '<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>anna</m:UnresolvedEntry></m:ResolveNames>'


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {}})
    with trusting(microsoft.addresses["ca_file"]):
        yield
    check_log(microsoft)


def rule(microsoft: Microsoft, action: dict[str, Any], operation: str | None = "ResolveNames", **more: Any) -> None:
    match = {"operation": operation} if operation else {"path": "(?i)/ews/exchange.asmx"}
    microsoft.control("POST", "/faults", {"match": match, "action": action, **more})


def resolves(microsoft: Microsoft, **hints: Any) -> list[Any]:
    return list(account(microsoft, ANNA, hints=hints).protocol.resolve_names(["anna"]))


def test_an_error_of_a_response_message(microsoft: Microsoft) -> None:
    """One message for each object of the request, as a server answers; the next request is well again."""
    rule(microsoft, {"ews": {"code": "ErrorItemNotFound"}}, "ConvertId", times=1)
    one = f'<t:AlternateId Format="EwsId" Id="x" Mailbox="{ANNA}"/>'
    body = f'<m:ConvertId DestinationFormat="EwsId"><m:SourceIds>{one * 3}</m:SourceIds></m:ConvertId>'

    codes = [found(call(microsoft, ANNA, body), "//m:ResponseCode/text()") for _ in range(2)]

    assert codes == [["ErrorItemNotFound"] * 3, ["ErrorInvalidIdMalformed"] * 3]


@pytest.mark.parametrize("form", ["message", "fault", "fault_200", "inner"])
def test_throttling_in_each_of_its_forms(microsoft: Microsoft, form: str) -> None:
    rule(microsoft, {"ews": {"code": "ErrorServerBusy", "form": form, "back_off_milliseconds": 2000}})

    answer = call(microsoft, ANNA, RESOLVE)

    assert answer.status_code == (500 if form == "fault" else 200)
    assert found(answer, "//t:Value[@Name='BackOffMilliseconds']/text()") == ["2000"]
    assert "ErrorServerBusy" in answer.text
    with pytest.raises(ErrorServerBusy) as raised:
        resolves(microsoft)
    if form.startswith("fault"):
        assert raised.value.back_off == 2.0


def test_a_rule_about_an_operation_lets_the_sign_in_pass(microsoft: Microsoft) -> None:
    """Else NTLM would never come to its end, which is not what a busy server looks like."""
    rule(microsoft, {"ews": {"code": "ErrorServerBusy", "form": "fault"}}, times=1)

    with pytest.raises(ErrorServerBusy):
        resolves(microsoft, auth_type=NTLM)

    statuses = [e["status"] for e in microsoft.control("GET", "/log?path=(?i)/ews/")["entries"]]
    assert statuses == [401, 401, 500]
    assert resolves(microsoft, auth_type=NTLM)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_can_fail(microsoft: Microsoft, name: str) -> None:
    rule(microsoft, {"ews": {"code": "ErrorMailboxStoreUnavailable"}}, name)
    element = f"{name}Request" if name == "GetUserAvailability" else name

    answer = call(microsoft, ANNA, f"<m:{element}/>")

    assert (answer.status_code, code_of(answer)) == (200, "ErrorMailboxStoreUnavailable")


def test_an_error_may_hide_that_the_request_took_effect(microsoft: Microsoft) -> None:
    rule(microsoft, {"ews": {"code": "ErrorTimeoutExpired", "takes_effect": True}}, "Subscribe", times=1)
    microsoft.control("PATCH", "/exchange/push", {"is_held": True})
    body = (
        '<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"/></t:FolderIds>'
        "<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:StatusFrequency>5</t:StatusFrequency>"
        "<t:URL>https://localhost/</t:URL></m:PushSubscriptionRequest></m:Subscribe>"
    )

    assert code_of(call(microsoft, ANNA, body)) == "ErrorTimeoutExpired"
    assert len(microsoft.control("GET", "/exchange/subscriptions")) == 1


@pytest.mark.parametrize(
    ("page", "status", "error"),
    [
        ("server_error", 500, ErrorServerBusy),
        ("login", 200, MalformedResponseError),
        ("unavailable", 503, ErrorServerBusy),
        ("proxy", 502, MalformedResponseError),
    ],
)
def test_html_instead_of_soap(microsoft: Microsoft, page: str, status: int, error: type[Exception]) -> None:
    rule(microsoft, {"page": page})

    answer = call(microsoft, ANNA, RESOLVE)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    with pytest.raises(error):
        resolves(microsoft)


def test_a_page_may_stand_before_the_sign_in_too(microsoft: Microsoft) -> None:
    rule(microsoft, {"page": "proxy"}, None)

    assert call(microsoft, "nobody", RESOLVE).status_code == 502


def test_cut_documents_are_whole_answers_and_cut_connections_are_not(microsoft: Microsoft) -> None:
    rule(microsoft, {"cut_content": 0.6}, times=1)
    rule(microsoft, {"truncate": 100}, times=1)
    rule(microsoft, {"close": "before"}, times=1)

    cut = call(microsoft, ANNA, RESOLVE)
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(cut.content)
    assert cut.status_code == 200
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            call(microsoft, ANNA, RESOLVE)
    assert code_of(call(microsoft, ANNA, RESOLVE)) == "NoError"


@pytest.mark.parametrize("how", ["entities", "external_entity", "not_utf8"])
def test_spoiled_documents(microsoft: Microsoft, how: str) -> None:
    rule(microsoft, {"spoil": how})

    answer = call(microsoft, ANNA, RESOLVE)

    assert answer.status_code == 200
    if how == "not_utf8":
        with pytest.raises(UnicodeDecodeError):
            answer.content.decode()
    else:
        assert b"<!DOCTYPE" in answer.content
        assert b"<!ENTITY" in answer.content


def test_an_answer_of_fifty_megabytes(microsoft: Microsoft) -> None:
    rule(microsoft, {"blow_up": 50_000_000})

    answer = call(microsoft, ANNA, RESOLVE)

    assert len(answer.content) > 50_000_000
    assert code_of(answer) == "NoError"


@pytest.mark.parametrize(
    "body",
    [
        {"action": {"ews": {"code": "ErrorServerBusy"}}},
        {"action": {"ews": {"code": "no code"}}, "match": {"operation": "GetItem"}},
        {"action": {"page": "no page"}},
        {"action": {}},
    ],
)
def test_rules_that_make_no_sense_are_refused(microsoft: Microsoft, body: dict[str, Any]) -> None:
    microsoft.control("POST", "/faults", body, status=422)


def test_exchangelib_meets_a_missing_item(microsoft: Microsoft) -> None:
    rule(microsoft, {"ews": {"code": "ErrorItemNotFound"}})

    with pytest.raises(ErrorItemNotFound):
        resolves(microsoft)


def test_a_budget_of_requests_and_a_back_off_that_grows_with_impatience(microsoft: Microsoft) -> None:
    """Three a minute; who asks again during the back-off waits a whole minute from then on."""
    microsoft.control("PATCH", "/exchange/servers/exchange", {"limits": {"requests_per_minute": 3}})

    codes = [code_of(call(microsoft, ANNA, RESOLVE)) for _ in range(4)]
    microsoft.advance(seconds=40)
    codes.append(code_of(call(microsoft, ANNA, RESOLVE)))
    microsoft.advance(seconds=40)
    codes.append(code_of(call(microsoft, ANNA, RESOLVE)))
    microsoft.advance(seconds=61)
    codes.append(code_of(call(microsoft, ANNA, RESOLVE)))

    assert codes == ["NoError"] * 3 + ["ErrorServerBusy"] * 3 + ["NoError"]

"""Answers of Exchange are read to the last byte or not at all (rows 13-15 of the bad inputs; trust.md section 3)."""

import time

import pytest
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.soap import Header, body_of, build_of, checked, envelope, messages, parse
from calsync_core.domain.errors import ProviderUnavailableError

NAMESPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" '
    'xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors"'
)


def answer(body: str, header: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {NAMESPACES}><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


WHOLE = answer(
    '<m:GetItemResponse><m:ResponseMessages><m:GetItemResponseMessage ResponseClass="Success">'
    "<m:ResponseCode>NoError</m:ResponseCode></m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse>"
)


def test_a_whole_answer_is_read() -> None:
    assert checked(messages(body_of(WHOLE), "GetItem")[0]).get("ResponseClass") == "Success"
    assert len(messages(body_of(b"\xef\xbb\xbf" + WHOLE), "GetItem")) == 1


@pytest.mark.prop("P15")
@pytest.mark.parametrize("share", range(1, 100, 3))
def test_an_answer_that_is_cut_anywhere_is_an_error(share: int) -> None:
    with pytest.raises(ProviderUnavailableError, match="answer_unreadable"):
        body_of(WHOLE[: len(WHOLE) * share // 100])


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.bad_input(14)
@pytest.mark.parametrize(
    "hostile",
    [
        WHOLE.replace(b"?>", f"?>{LAUGHS}".encode(), 1).replace(b"NoError", b"&j;"),
        WHOLE.replace(b"?>", f"?>{EXTERNAL}".encode(), 1).replace(b"NoError", b"&x;"),
        WHOLE.replace(b"?>", b'?><!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">', 1),
        b"<?xml version='1.0'?>" + b"<!-- " + b"x" * 5000 + b" -->" + EXTERNAL.encode() + WHOLE[38:],
        WHOLE.decode().replace("utf-8", "utf-16").encode("utf-16"),
        WHOLE.replace(b"NoError", b"No\x00Error"),
        WHOLE.replace(b"NoError", b"No&nothing;Error"),
        WHOLE.replace(b"NoError", b"\xff\xfe"),
        WHOLE.replace(b"NoError", b"<a>" * 300 + b"</a>" * 300),
        WHOLE.replace(b"NoError", b"<a/>" * 500_000),
        WHOLE + b"<more/>",
        b"<!DOCTYPE html><html><head><title>Login</title></head><body>Sign in</body></html>",
        b"<html><body>Bad gateway</body></html>",
        b"",
        b"   ",
        b"{}",
        b"ok",
        answer(""),
    ],
    ids=range(18),
)
def test_hostile_and_foreign_documents_are_refused_quickly(hostile: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ProviderUnavailableError, match="answer_unreadable"):
        body_of(hostile)
    assert time.process_time() - began < 5  # a bomb would take minutes; this only ends the test


def test_answers_of_another_question_are_no_answer() -> None:
    with pytest.raises(ProviderUnavailableError):
        messages(body_of(WHOLE), "FindItem")
    with pytest.raises(ProviderUnavailableError):
        messages(body_of(answer("<m:GetItemResponse/>")), "GetItem")


def test_a_fault_names_code_and_back_off() -> None:
    fault = answer(
        "<s:Fault><faultcode>a:ErrorServerBusy</faultcode><faultstring>secret words</faultstring><detail>"
        "<e:ResponseCode>ErrorServerBusy</e:ResponseCode><e:Message>secret words</e:Message>"
        '<t:MessageXml><t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml></detail></s:Fault>'
    )
    with pytest.raises(EwsRefusedError) as refused:
        body_of(fault, 500)

    assert refused.value.code == "ErrorServerBusy"
    assert refused.value.refusal.value("BackOffMilliseconds") == "297749"
    assert "secret" not in str(refused.value.error)


def test_a_fault_of_a_server_that_is_not_exchange_is_understood() -> None:
    """Seen at grommunio gromox 3.10: the code stands in faultcode, with HTTP 200."""
    fault = answer("<s:Fault><faultcode>ErrorImpersonateUserDenied</faultcode><faultstring>x</faultstring></s:Fault>")
    with pytest.raises(EwsRefusedError, match="ErrorImpersonateUserDenied"):
        body_of(fault)


def test_a_message_without_a_class_is_no_message() -> None:
    bad = answer(
        "<m:GetItemResponse><m:ResponseMessages><m:GetItemResponseMessage>"
        "<m:ResponseCode>NoError</m:ResponseCode></m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse>"
    )
    with pytest.raises(ProviderUnavailableError):
        checked(messages(body_of(bad), "GetItem")[0])


def test_the_servers_build_is_read() -> None:
    info = '<t:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="2562" MinorBuildNumber="17"/>'
    assert build_of(answer("<m:x/>", info)) == ("15.2.2562.17", "")
    assert build_of(answer("<m:x/>")) == ("", "")
    assert build_of(answer("<m:x/>", info.replace("2562", "&lt;script&gt;"))) == ("", "")


def test_our_own_envelopes_escape_what_people_wrote() -> None:
    sent = parse(envelope(Header("Exchange2016", 'a"<&>@x.example'), "<m:GetItem/>"))
    assert sent.findtext(".//{*}PrimarySmtpAddress") == 'a"<&>@x.example'


@pytest.mark.complaint(30)
@pytest.mark.bad_input(31)
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"CASEBR&#x1A;S CAIXA", "CASEBRS CAIXA"),
        (b"&#x0;&#0;nul&#31;", "nul"),
        (b"half &#xD83D; pair &#56320;", "half \ufffd pair \ufffd"),
        (b"bell\x07 and \xef\xbf\xbf", "bell and "),
        (b"&#xFFFE;&#x1FFFFF;&#x1F921; &#x9;&#xA;", "\U0001f921 \t\n"),
    ],
)
def test_characters_that_are_none_in_xml_are_cleaned_and_the_answer_stays_whole(sent: bytes, shown: str) -> None:
    """Exchange sends what stands in a subject as it is: one such entry would end every run for ever."""
    spoiled = WHOLE.replace(b"NoError", sent)
    (message,) = messages(body_of(spoiled), "GetItem")
    assert message.findtext("{*}ResponseCode") == shown
    for share in range(1, 100, 7):
        with pytest.raises(ProviderUnavailableError, match="answer_unreadable"):
            body_of(spoiled[: len(spoiled) * share // 100])

"""Events of HTTP APIs in all the forms that AWS and its emulators send."""

import base64

import pytest
from calsync_core.domain.errors import InputError
from calsync_core.web.request import MAX_BODY, read_cookies, read_request


def event(**more: object) -> dict[str, object]:
    return {"rawPath": "/i/x", "rawQueryString": "", "requestContext": {"http": {"method": "POST"}}, **more}


FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    "sent",
    [
        {"cookies": ["a=1", "b=2=3"]},
        {"headers": {"cookie": "a=1; b=2=3"}},
        {"headers": {"Cookie": "a=1;b=2=3"}},
        {"cookies": [], "headers": {"cookie": 'a="1"; b=2=3'}},
    ],
)
def test_cookies_are_read_from_the_list_and_from_the_header(sent: dict[str, object]) -> None:
    assert read_cookies(event(**sent)) == {"a": "1", "b": "2=3"}


def test_of_two_cookies_with_one_name_the_first_wins() -> None:
    assert read_cookies({"headers": {"cookie": "a=mine; a=theirs"}}) == {"a": "mine"}


@pytest.mark.parametrize("is_encoded", [True, False])
def test_forms_are_read_plain_and_base64(is_encoded: bool) -> None:
    raw = "name=Anna+Weber&conflicts=a&conflicts=b&empty="
    body = base64.b64encode(raw.encode()).decode() if is_encoded else raw

    request = read_request(event(headers=FORM, body=body, isBase64Encoded=is_encoded))

    assert request.field("name") == "Anna Weber"
    assert request.fields("conflicts") == ("a", "b")
    assert request.field("empty", "x") == ""
    assert request.field("missing") == ""


def test_a_body_of_another_type_is_no_form() -> None:
    assert read_request(event(headers={"content-type": "application/json"}, body='{"a":1}')).form == ()


@pytest.mark.parametrize("body", ["%", "a=b", "ä"])
def test_what_claims_to_be_base64_and_is_not_is_refused(body: str) -> None:
    with pytest.raises(InputError, match="body_unreadable"):
        read_request(event(headers=FORM, body=body + "!", isBase64Encoded=True))


def test_a_large_body_is_refused_before_it_is_read() -> None:
    with pytest.raises(InputError, match="body_too_large"):
        read_request(event(body="x" * (MAX_BODY + 1)))


def test_a_thousand_fields_are_refused() -> None:
    with pytest.raises(InputError, match="body_unreadable"):
        _ = read_request(event(headers=FORM, body="&".join(f"f{number}=1" for number in range(1000)))).form


def test_an_empty_event_is_a_request_for_the_root() -> None:
    request = read_request({})
    assert (request.method, request.path, request.form, request.cookies) == ("GET", "/", (), {})


def test_bytes_that_are_no_utf8_do_not_stop_the_reading() -> None:
    request = read_request(event(headers=FORM, body=base64.b64encode(b"a=%ff\xff").decode(), isBase64Encoded=True))
    assert request.field("a") == "\ufffd\ufffd"

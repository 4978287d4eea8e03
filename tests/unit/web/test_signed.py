"""Sessions, form tokens and signed links: what we did not sign for exactly this purpose is worth nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.domain.errors import InputError, LinkExpiredError, LinkUnknownError
from calsync_core.domain.ids import AccountId
from calsync_core.web.answers import Answer
from calsync_core.web.csrf import check_csrf, csrf_token
from calsync_core.web.links import Purpose, SignedLink, make_link, read_link
from calsync_core.web.render import Pages
from calsync_core.web.session import COOKIE, Session, ended_session_cookie, read_session, session_cookie
from calsync_core.web.signing import sign, verify
from hypothesis import given
from hypothesis import strategies as st

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SESSION = Session("https://issuer", "sub-1", "main", "admin", "A. Bräun|;\n", NOW + timedelta(hours=1))


def cookie_of(header: str) -> dict[str, object]:
    return {"cookies": [header.split(";", maxsplit=1)[0]]}


def test_a_session_comes_back_as_it_was() -> None:
    assert read_session(cookie_of(session_cookie(KEY, SESSION, NOW)), KEY, NOW) == SESSION


def test_a_session_cookie_belongs_to_this_host_alone() -> None:
    for header in (session_cookie(KEY, SESSION, NOW), ended_session_cookie()):
        name, *rest = header.split("; ")
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(rest)
        assert not any(part.startswith("Domain") for part in rest)


def test_a_session_ends_in_code_whatever_the_browser_keeps() -> None:
    event = cookie_of(session_cookie(KEY, SESSION, NOW))
    assert read_session(event, KEY, SESSION.expires_at) is None


@pytest.mark.parametrize("event", [{}, {"cookies": []}, {"cookies": [f"{COOKIE}="]}, {"cookies": [f"{COOKIE}=a.b"]}])
def test_no_session_is_none(event: dict[str, object]) -> None:
    assert read_session(event, KEY, NOW) is None


@given(st.data())
def test_a_changed_session_is_none(data: st.DataObject) -> None:
    value = session_cookie(KEY, SESSION, NOW).split(";")[0].split("=", 1)[1]
    place = data.draw(st.integers(0, len(value) - 1))
    char = data.draw(st.sampled_from("ABCxyz012-_.=").filter(lambda one: one != value[place]))
    changed = value[:place] + char + value[place + 1 :]

    read = read_session({"cookies": [f"{COOKIE}={changed}"]}, KEY, NOW)

    # The last character of a base64 text carries spare bits: the same bytes may be written in two ways.
    assert read is None or read == SESSION


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert verify(KEY, "session", text) is None
    with pytest.raises(LinkUnknownError):
        read_link(KEY, Purpose.MANAGE, text, NOW)


def test_a_signature_holds_for_one_key_and_one_purpose() -> None:
    text = sign(KEY, "session", ["a"])
    assert verify(KEY, "session", text) == ["a"]
    assert verify(KEY, "link:manage", text) is None
    assert verify(OTHER, "session", text) is None


def test_a_link_comes_back_until_it_expires() -> None:
    link = SignedLink(Purpose.CONFLICT, AccountId("main"), "c-1", NOW + timedelta(days=1), "7")
    text = make_link(KEY, link)
    assert read_link(KEY, Purpose.CONFLICT, text, NOW) == link
    with pytest.raises(LinkExpiredError):
        read_link(KEY, Purpose.CONFLICT, text, link.expires_at)


@pytest.mark.parametrize("purpose", [one for one in Purpose if one is not Purpose.MANAGE])
def test_a_manage_link_opens_nothing_else(purpose: Purpose) -> None:
    text = make_link(KEY, SignedLink(Purpose.MANAGE, AccountId("main"), "anna", NOW + timedelta(days=1)))
    with pytest.raises(LinkUnknownError):
        read_link(KEY, purpose, text, NOW)


@pytest.mark.parametrize(
    ("cookie", "token"), [("a", ""), ("a", "x"), ("", csrf_token(KEY, "")), ("b", csrf_token(KEY, "a"))]
)
def test_a_form_of_another_browser_is_refused(cookie: str, token: str) -> None:
    with pytest.raises(InputError, match="form_expired"):
        check_csrf(KEY, cookie, token)


def test_a_form_of_this_browser_is_taken() -> None:
    check_csrf(KEY, "a", csrf_token(KEY, "a"))


def test_every_answer_carries_the_strict_headers() -> None:
    headers = Answer().as_gateway()["headers"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_only_a_local_cloud_lets_forms_lead_to_http() -> None:
    for url, is_local in (("https://calsync.example", False), ("http://x.localhost:4566", True)):
        answer = Pages(url, "Clinic").page("pages/help.html", leads_to_sign_in=True, csrf="", csrf_field="csrf")
        assert ("http://localhost:*" in answer.headers["content-security-policy"]) is is_local

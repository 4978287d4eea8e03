"""The sign-in of a person: pages, consent, refusals at the redirect address, what reaches the app."""

import re

import jwt
import pytest

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import CLIENT_ID, PASSWORD, REDIRECT, SCOPES, Page, code_of, redeem, refresh


def test_a_person_signs_in_consents_and_the_app_gets_a_code_with_its_state(small: Microsoft) -> None:
    browser = small.browser()

    picked = browser.authorize(login_hint="anna@clinic.example", prompt="select_account")
    consent = browser.sign_in("anna@clinic.example")
    done = browser.accept()

    assert picked.heading == "Enter password"
    assert consent.heading == "Permissions requested"
    assert "Have full access to your calendars" in consent.answer.text
    assert done.location.startswith(f"{REDIRECT}?")
    assert done.parameters["state"] == "the-state"
    assert "client_info" in done.parameters


def test_the_id_token_says_who_signed_in_and_echoes_the_nonce(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")

    keys = jwt.PyJWKSet.from_dict(small.machine.get("/common/discovery/v2.0/keys").json())
    key = keys[jwt.get_unverified_header(tokens["id_token"])["kid"]]
    claims = jwt.decode(tokens["id_token"], key.key, algorithms=["RS256"], audience=CLIENT_ID)
    anna = small.control("GET", "/people/anna@clinic.example")

    assert claims["oid"] == anna["id"]
    assert claims["tid"] == anna["tenant_id"]
    assert claims["iss"] == f"https://localhost:8443/{anna['tenant_id']}/v2.0"
    assert claims["preferred_username"] == "anna@clinic.example"
    assert claims["nonce"] == "the-nonce"
    assert "email" not in claims  # only with the scope email, as at Microsoft


def test_the_email_claim_comes_with_its_scope(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example", scope=f"{SCOPES} email")

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})

    assert claims["email"] == "anna@clinic.example"


def test_scopes_come_back_in_the_form_they_were_asked_in(small: Microsoft) -> None:
    full = "https://graph.microsoft.com/Calendars.ReadWrite"

    short = small.tokens_of("anna@clinic.example", scope="openid offline_access Calendars.ReadWrite")
    long = small.tokens_of("anna@clinic.example", scope=f"openid offline_access {full}")

    assert short["scope"].split() == ["openid", "Calendars.ReadWrite"]
    assert long["scope"].split() == ["openid", full]
    assert 3600 <= short["expires_in"] <= 5399


def test_a_wrong_password_shows_the_page_again_and_ten_lock_the_account(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()

    answers = [browser.sign_in("anna@clinic.example", "wrong") for _ in range(10)]
    locked = browser.sign_in("anna@clinic.example")

    assert all(page.answer.status_code == 401 and "password is incorrect" in page.answer.text for page in answers)
    assert locked.error == 50053


def test_declining_comes_back_as_access_denied_65004(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()
    browser.sign_in("anna@clinic.example")

    declined = browser.post("/consent", answer="cancel")

    assert declined.refused == ("access_denied", 65004)
    assert declined.parameters["error_subcode"] == "cancel"
    assert declined.parameters["state"] == "the-state"


def test_consent_is_asked_once_unless_the_app_wants_it_again(small: Microsoft) -> None:
    browser = small.browser()
    browser.code_for("anna@clinic.example")

    again = browser.authorize()
    forced = browser.authorize(prompt="consent")
    more = browser.authorize(scope=f"{SCOPES} Calendars.Read.Shared")

    assert "code" in again.parameters  # the browser's session is known, nothing is left to ask
    assert forced.heading == "Permissions requested"
    assert more.heading == "Permissions requested"
    assert "code" in browser.accept().parameters


def test_where_only_admins_consent_the_person_meets_a_wall_and_may_go_back(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()

    wall = browser.sign_in("tom@strict.example")
    back = browser.post("/approval", answer="back")

    assert wall.heading == "Need admin approval"
    assert wall.location == ""  # the app hears nothing until the person goes back
    assert back.refused == ("access_denied", 90094)


def test_where_admins_can_be_asked_the_request_is_sent_and_then_told(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()

    wall = browser.sign_in("eva@ask.example")
    sent = browser.post("/approval", answer="request", justification="need it")
    back = browser.post("/approval", answer="back_after_request")

    assert wall.heading == "Approval required"
    assert sent.heading == "Request sent"
    assert back.refused == ("access_denied", 90095)


def test_the_wall_cannot_be_passed_by_posting_the_consent_form(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()
    wall = browser.sign_in("tom@strict.example")

    ctx = re.search(r'name="ctx" value="([^"]+)"', wall.answer.text)
    assert ctx is not None
    answer = small.people.post("/common/consent", data={"ctx": ctx[1], "answer": "accept"})
    forged = Page(answer)

    assert forged.refused == ("access_denied", 90094)


def test_an_admin_consents_for_everyone_and_the_others_see_no_page(small: Microsoft) -> None:
    admin = small.browser()
    admin.authorize()
    admin.sign_in("gerd@strict.example")
    done = admin.post("/consent", answer="accept", for_organization="1")

    person = small.browser()
    person.authorize()
    through = person.sign_in("tom@strict.example")

    assert "code" in done.parameters
    assert "code" in through.parameters


def test_another_account_can_be_picked_and_is_what_the_app_gets(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize(login_hint="anna@clinic.example")
    browser.sign_in("bert@clinic.example")

    tokens = redeem(small.machine, browser.accept().parameters["code"]).json()

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["preferred_username"] == "bert@clinic.example"


def test_an_account_with_two_homes_is_told_apart_by_the_path(small: Microsoft) -> None:
    small.control(
        "POST",
        "/people",
        {"email": "anna@clinic.example", "display_name": "Anna private", "tenant": "personal", "password": PASSWORD,
         "has_mailbox": False},
    )  # fmt: skip

    work = small.tokens_of("anna@clinic.example", "organizations")
    private = small.tokens_of("anna@clinic.example", "consumers")

    tenants = [jwt.decode(t["id_token"], options={"verify_signature": False})["tid"] for t in (work, private)]
    assert tenants[1] == "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert tenants[0] != tenants[1]


def test_a_personal_account_gets_an_opaque_token_and_zeros_in_its_object_id(small: Microsoft) -> None:
    tokens = small.tokens_of("paul@outlook.com")

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})

    with pytest.raises(jwt.DecodeError):
        jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["oid"].startswith("00000000-0000-0000-")
    assert claims["tid"] == "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert tokens["expires_in"] == 3600


def test_mfa_is_asked_in_the_page_and_its_lack_refuses_a_refresh(small: Microsoft) -> None:
    before = small.tokens_of("anna@clinic.example")
    small.control("PATCH", "/people/anna@clinic.example", {"needs_mfa": True})

    refused = refresh(small.machine, before["refresh_token"])
    browser = small.browser()
    browser.authorize()
    asked = browser.sign_in("anna@clinic.example")
    code = browser.post("/mfa", answer="approve").parameters["code"]
    after = redeem(small.machine, code).json()

    assert code_of(refused) == 50076
    assert asked.heading == "Approve sign-in request"
    assert refresh(small.machine, after["refresh_token"]).status_code == 200


def test_a_denied_second_factor_ends_on_an_error_page(small: Microsoft) -> None:
    small.control("PATCH", "/people/anna@clinic.example", {"needs_mfa": True})
    browser = small.browser()
    browser.authorize()
    browser.sign_in("anna@clinic.example")

    assert browser.post("/mfa", answer="deny").error == 50074


@pytest.mark.parametrize("code", [50057, 53003, 50055, 530032])
def test_a_blocked_account_ends_on_an_error_page(small: Microsoft, code: int) -> None:
    small.control("PATCH", "/people/anna@clinic.example", {"sign_in_block": code})
    browser = small.browser()
    browser.authorize()

    assert browser.sign_in("anna@clinic.example").error == code


def test_a_person_who_is_not_assigned_is_told_to_the_app(small: Microsoft) -> None:
    small.control("PATCH", "/people/anna@clinic.example", {"sign_in_block": 50105})
    browser = small.browser()
    browser.authorize()

    assert browser.sign_in("anna@clinic.example").refused == ("access_denied", 50105)


def test_a_room_has_no_sign_in(small: Microsoft) -> None:
    browser = small.browser()
    page = browser.authorize()

    refused = browser.sign_in("room1@clinic.example", "")

    assert "room1@clinic.example" not in page.answer.text
    assert "There is no account" in refused.answer.text

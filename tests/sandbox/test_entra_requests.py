"""What the authorize address refuses: on a page of its own, or at the app's redirect address."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import CLIENT_ID, REDIRECT

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("changes", "tenant", "code"),
    [
        ({"client_id": None}, "common", 900144),
        ({"client_id": "nobody"}, "common", 700016),
        ({"redirect_uri": f"{REDIRECT}/"}, "common", 50011),
        ({"redirect_uri": f"{REDIRECT}?x=1"}, "common", 50011),
        ({"redirect_uri": "https://evil.example/oauth"}, "common", 50011),
        ({}, "unknown.example", 90002),
        ({}, "outlook.com", 90002),
    ],
)
def test_what_could_send_a_browser_astray_ends_on_a_page(
    small: Microsoft, changes: dict[str, Any], tenant: str, code: int
) -> None:
    page = small.browser().authorize(tenant, **changes)

    assert page.error == code
    assert page.location == ""


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"response_type": "token"}, ("unsupported_response_type", 700054)),
        ({"response_type": None}, ("invalid_request", 900144)),
        ({"response_mode": "web_message"}, ("invalid_request", 90023)),
        ({"prompt": "please"}, ("invalid_request", 90023)),
        ({"scope": None}, ("invalid_request", 900144)),
        ({"scope": "openid Calendars.Everything"}, ("invalid_client", 650053)),
        ({"scope": "https://example.com/Calendars.Read"}, ("invalid_scope", 70011)),
        ({"scope": "https://graph.microsoft.com/.default Calendars.Read"}, ("invalid_scope", 70011)),
        ({"code_challenge": "short"}, ("invalid_request", 501491)),
        ({"code_challenge_method": "S512"}, ("invalid_request", 90023)),
        ({"code_challenge": None}, ("invalid_grant", 50147)),
        ({"prompt": "none"}, ("login_required", 50058)),
    ],
)
def test_later_refusals_go_to_the_app_with_its_state(
    small: Microsoft, changes: dict[str, Any], refused: tuple[str, int]
) -> None:
    page = small.browser().authorize(**changes)

    assert page.refused == refused
    assert page.parameters["state"] == "the-state"
    assert page.location.startswith(REDIRECT)


def test_silent_sign_in_answers_for_a_known_browser_and_names_missing_consent(small: Microsoft) -> None:
    browser = small.browser()
    browser.code_for("anna@clinic.example")

    known = browser.authorize(prompt="none", login_hint="anna@clinic.example")
    more = browser.authorize(prompt="none", scope="openid Calendars.Read")

    assert "code" in known.parameters
    assert more.refused == ("invalid_grant", 65001)


def test_prompt_login_asks_for_the_password_again(small: Microsoft) -> None:
    browser = small.browser()
    browser.code_for("anna@clinic.example")

    browser.authorize(prompt="login")
    without = browser.sign_in("anna@clinic.example", "")
    picked = browser.authorize(prompt="select_account")
    chosen = browser.sign_in("anna@clinic.example", "")

    assert without.answer.status_code == 401
    assert "signed in" in picked.answer.text
    assert "code" in chosen.parameters


@pytest.mark.parametrize("mode", ["form_post", "fragment"])
def test_other_response_modes(small: Microsoft, mode: str) -> None:
    browser = small.browser()
    browser.authorize(response_mode=mode)
    browser.sign_in("anna@clinic.example")

    page = browser.accept()

    assert page.parameters["state"] == "the-state"
    assert len(page.parameters["code"]) > 50
    assert bool(urlsplit(page.location).fragment) == (mode == "fragment")


@pytest.mark.parametrize(
    ("audience", "tenant", "code"),
    [
        ("AzureADMyOrg", "common", 50194),
        ("AzureADMyOrg", "organizations", 50194),
        ("AzureADMyOrg", "strict.example", 700016),
        ("AzureADMultipleOrgs", "consumers", 9002332),
        ("AzureADMultipleOrgs", PERSONAL, 9002332),
        ("PersonalMicrosoftAccount", "organizations", 9002331),
        ("PersonalMicrosoftAccount", "clinic.example", 9002331),
    ],
)
def test_the_audience_of_the_app_limits_the_path(small: Microsoft, audience: str, tenant: str, code: int) -> None:
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"audience": audience})

    assert small.browser().authorize(tenant).error == code


@pytest.mark.parametrize(
    ("tenant", "email", "code"),
    [
        ("clinic.example", "tom@strict.example", 50020),
        ("organizations", "paul@outlook.com", 50020),
        ("consumers", "anna@clinic.example", 500208),
        ("clinic.example", "paul@outlook.com", 50020),
    ],
)
def test_an_account_of_elsewhere_is_refused(small: Microsoft, tenant: str, email: str, code: int) -> None:
    browser = small.browser()
    browser.authorize(tenant)

    assert browser.sign_in(email).error == code


def test_a_sign_in_page_is_good_for_an_hour(small: Microsoft) -> None:
    browser = small.browser()
    browser.authorize()

    small.advance(hours=1, minutes=1)

    assert browser.sign_in("anna@clinic.example").error == 50089


def test_discovery_sends_people_to_http_and_machines_to_https(small: Microsoft) -> None:
    tenant = small.control("GET", "/people/anna@clinic.example")["tenant_id"]

    common = small.machine.get("/common/v2.0/.well-known/openid-configuration").json()
    by_domain = small.machine.get("/clinic.example/v2.0/.well-known/openid-configuration").json()
    unknown = small.machine.get("/nowhere.example/v2.0/.well-known/openid-configuration")

    assert common["authorization_endpoint"] == "http://localhost:8080/common/oauth2/v2.0/authorize"
    assert common["token_endpoint"] == "https://localhost:8443/common/oauth2/v2.0/token"
    assert common["issuer"] == "https://localhost:8443/{tenantid}/v2.0"
    assert by_domain["issuer"] == f"https://localhost:8443/{tenant}/v2.0"
    assert unknown.status_code == 400
    assert unknown.json()["error_codes"] == [90002]


def test_instance_discovery_names_this_host(small: Microsoft) -> None:
    asked = {"api-version": "1.1", "authorization_endpoint": "https://localhost:8443/common/oauth2/v2.0/authorize"}

    found = small.machine.get("/common/discovery/instance", params=asked).json()

    assert found["tenant_discovery_endpoint"].startswith("https://localhost:8443/common/v2.0/")
    assert found["metadata"][0]["aliases"] == ["localhost"]


def test_signing_out_forgets_the_browser_and_goes_back_to_registered_origins_only(small: Microsoft) -> None:
    browser = small.browser()
    browser.code_for("anna@clinic.example")

    back = browser.open("/common/oauth2/v2.0/logout", post_logout_redirect_uri="https://calsync.example/bye")
    astray = browser.open("/common/oauth2/v2.0/logout", post_logout_redirect_uri="https://evil.example/")
    silent = browser.authorize(prompt="none")

    assert back.location == "https://calsync.example/bye"
    assert astray.location == ""
    assert silent.refused == ("login_required", 50058)

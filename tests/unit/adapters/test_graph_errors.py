"""Every refusal of Graph and of the sign-in service has its place in our tree: an unmapped one is red here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from calsync_core.adapters.graph import errors, signin_errors
from calsync_core.adapters.graph.errors import LONGEST_WAIT, read_refusal, read_retry_after, to_error
from calsync_core.adapters.graph.signin_errors import to_refresh_error, to_sign_in_error
from calsync_core.domain import errors as tree
from calsync_core.web.wording import CATALOGUE

PAGE = Path(__file__).parents[3].parent / "shared/reference/graph-error-shapes.json"

# Microsoft's example (graph-error-shapes.json) -> our class and code
GRAPH = {
    "graph-429-generic": (tree.ProviderThrottledError, "throttled"),
    "graph-429-mailbox-concurrency": (tree.ProviderThrottledError, "throttled"),
    "graph-401-expired": (tree.ConsentRevokedError, "auth_expired"),
    "graph-401-compact-token": (tree.ConsentRevokedError, "auth_expired"),
    "graph-403-access-policy": (tree.PermissionMissingError, "permission_missing"),
    "graph-404-no-rest-mailbox": (tree.MailboxUnusableError, "mailbox_on_premises_or_unlicensed"),
    "graph-404-nonexistent-mailbox": (tree.MailboxUnusableError, "mailbox_missing"),
    "graph-400-missing-email": (tree.MailboxUnusableError, "mailbox_guest"),
    "graph-400-validation": (tree.AppointmentRejectedError, "entry_rejected"),
    "graph-400-occurrence-crossing": (tree.AppointmentRejectedError, "occurrence_crossing"),
    "graph-400-cancel-not-organizer": (tree.AppointmentRejectedError, "entry_rejected"),
    "graph-4xx-duplicate-transaction": (tree.AppointmentRejectedError, "transaction_used"),
    "graph-412-changekey": (tree.VersionChangedError, "version_changed"),
    "graph-410-syncstate": (tree.CursorExpiredError, "cursor_expired"),
    "graph-501-delta-property": (tree.AppointmentRejectedError, "not_supported"),
    "graph-403-send-as": (tree.PermissionMissingError, "permission_missing"),
    "graph-500-nested-inner": (tree.ProviderUnavailableError, "provider_unavailable"),
    "graph-500-shared-calendar": (tree.ProviderUnavailableError, "provider_unavailable"),
    "sub-400-validation": (tree.ProviderUnavailableError, "handshake_failed"),
    "sub-400-timeout": (tree.AppointmentRejectedError, "request_refused"),
    "sub-400-expiration": (tree.AppointmentRejectedError, "subscription_refused"),
    "sub-ext-mailbox": (tree.MailboxUnusableError, "mailbox_on_premises_or_unlicensed"),
    "sub-400-payload": (tree.AppointmentRejectedError, "request_refused"),
}
# of a stored grant / of a sign-in that a person is in the middle of
ENTRA = {
    "sts-invalid-scope": ((tree.InstallationError, "entra_request_refused"),) * 2,
    "sts-secret-expired": ((tree.InstallationError, "entra_secret_expired"),) * 2,
    "sts-rt-inactive": ((tree.ConsentRevokedError, "auth_expired"), (tree.SignInRefusedError, "sign_in_again")),
    "sts-50173": ((tree.ConsentRevokedError, "auth_expired"), (tree.SignInRefusedError, "sign_in_again")),
    "sts-65001": ((tree.AdminApprovalError, "auth_admin_approval"),) * 2,
    "sts-50076": ((tree.ConsentRevokedError, "auth_expired"), (tree.SignInRefusedError, "sign_in_again")),
    "sts-53003": (
        (tree.AdminApprovalError, "blocked_by_organisation"),
        (tree.SignInRefusedError, "blocked_by_organisation"),
    ),
    "sts-54005": ((tree.ConsentRevokedError, "auth_expired"), (tree.SignInRefusedError, "sign_in_again")),
}
ELSEWHERE = {"batch-sub-error", "authorize-declined", "adminconsent-declined"}  # not one refusal, or a redirect


def examples() -> dict[str, dict[str, Any]]:
    if not PAGE.exists():
        pytest.skip("the shared reference page is not here")
    return {one["id"]: one for one in json.loads(PAGE.read_text())["responses"]}


def test_no_example_is_unmapped() -> None:
    assert set(examples()) == set(GRAPH) | set(ENTRA) | ELSEWHERE


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_a_refusal_of_graph_has_its_place(name: str) -> None:
    example = examples()[name]
    refusal = read_refusal(example["status"] or 409, example["headers"], example["body"])
    error = to_error(refusal)
    kind, code = GRAPH[name]
    assert isinstance(error, kind)
    assert error.code == code
    assert refusal.message[:20] not in str(error)


@pytest.mark.parametrize("name", sorted(ENTRA))
def test_a_refusal_of_the_sign_in_service_has_its_place(name: str) -> None:
    body = examples()[name]["body"]
    for error, (kind, code) in zip((to_refresh_error(body), to_sign_in_error(body)), ENTRA[name], strict=True):
        assert type(error) is kind
        assert error.code == code


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        # graph.md section 7, line by line
        (403, "Authorization_RequestDenied", tree.PermissionMissingError, "permission_missing"),
        (404, "ErrorItemNotFound", tree.AppointmentGoneError, "gone"),
        (400, "ErrorInvalidIdMalformed", tree.AppointmentGoneError, "gone"),
        (404, "ErrorInvalidUser", tree.MailboxUnusableError, "mailbox_missing"),
        (404, "Request_ResourceNotFound", tree.MailboxUnusableError, "mailbox_missing"),
        (400, "ErrorInvalidRequest", tree.AppointmentRejectedError, "entry_rejected"),
        (400, "ErrorInvalidParameter", tree.AppointmentRejectedError, "entry_rejected"),
        (409, "ErrorFolderExists", tree.AppointmentRejectedError, "exists"),
        (409, "", tree.AppointmentRejectedError, "exists"),
        (410, "", tree.CursorExpiredError, "cursor_expired"),
        (400, "syncStateInvalid", tree.CursorExpiredError, "cursor_expired"),
        (400, "RESYNCREQUIRED", tree.CursorExpiredError, "cursor_expired"),
        (413, "", tree.AppointmentRejectedError, "too_large"),
        (507, "ErrorQuotaExceeded", tree.MailboxUnusableError, "mailbox_full"),
        (423, "Locked", tree.ProviderUnavailableError, "provider_unavailable"),
        (429, "", tree.ProviderThrottledError, "throttled"),
        (500, "ErrorInternalServerTransientError", tree.ProviderUnavailableError, "provider_unavailable"),
        (502, "", tree.ProviderUnavailableError, "provider_unavailable"),
        (503, "", tree.ProviderUnavailableError, "provider_unavailable"),
        (504, "UnknownError", tree.ProviderUnavailableError, "provider_unavailable"),
        (424, "", tree.ProviderUnavailableError, "dependency_failed"),
        (418, "Teapot", tree.AppointmentRejectedError, "entry_rejected"),
        (599, "", tree.ProviderUnavailableError, "provider_unavailable"),
        (302, "", tree.ProviderUnavailableError, "provider_unavailable"),
    ],
)
def test_codes_and_statuses(status: int, code: str, kind: type[tree.CalsyncError], ours: str) -> None:
    body = {"error": {"code": code, "message": "Dr Weber's lunch"}} if code else None
    error = to_error(read_refusal(status, {"request-id": "abc-1"}, body))
    assert isinstance(error, kind)
    assert error.code == ours
    assert "Weber" not in repr(error) + str(error)
    assert error.detail["request_id"] == "abc-1"


def test_the_nested_code_counts_when_the_outer_one_says_nothing() -> None:
    body = {"error": {"code": "UnknownError", "innererror": {"code": "ErrorItemNotFound"}}}
    assert isinstance(to_error(read_refusal(404, {}, body)), tree.AppointmentGoneError)


@pytest.mark.parametrize("body", [None, [], "text", {"error": "text"}, {"error": None}, {"error": {"code": 5}}])
def test_any_body_is_survived(body: Any) -> None:
    assert isinstance(to_error(read_refusal(503, {}, body)), tree.ProviderUnavailableError)


NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.bad_input(19)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2.128", timedelta(seconds=2.128)),
        ("0", timedelta(0)),
        (" 30 ", timedelta(seconds=30)),
        ("Mon, 23 Nov 2026 08:00:45 GMT", timedelta(seconds=45)),
        ("Mon, 23 Nov 2026 07:00:00 GMT", timedelta(0)),
        ("Wed, 23 Nov 2033 08:00:00 GMT", LONGEST_WAIT),
        ("999999999", LONGEST_WAIT),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("1e400", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_every_form(value: str | None, expected: timedelta | None) -> None:
    assert read_retry_after(value, NOW) == expected


def test_the_wait_comes_with_the_error() -> None:
    error = to_error(read_refusal(429, {"Retry-After": "2.128"}, None))
    assert isinstance(error, tree.ProviderThrottledError)
    assert error.retry_after == timedelta(seconds=2.128)


@pytest.mark.parametrize(
    ("error", "number", "kind", "code"),
    [
        ("access_denied", 65004, tree.SignInRefusedError, "declined"),
        ("permission_denied", 0, tree.SignInRefusedError, "declined"),
        ("access_denied", 90094, tree.AdminApprovalError, "auth_admin_approval"),
        ("consent_required", 90095, tree.AdminApprovalError, "auth_admin_approval"),
        ("access_denied", 50105, tree.SignInRefusedError, "blocked_by_organisation"),
        ("invalid_request", 50020, tree.SignInRefusedError, "wrong_account"),
        ("unauthorized_client", 700016, tree.AdminApprovalError, "auth_app_disabled"),
        ("invalid_client", 7000215, tree.InstallationError, "entra_secret_wrong"),
        ("server_error", 0, tree.ProviderUnavailableError, "sign_in_unavailable"),
        ("temporarily_unavailable", 90033, tree.ProviderUnavailableError, "sign_in_unavailable"),
        ("a_word_of_next_year", 0, tree.ProviderUnavailableError, "sign_in_unclear"),
    ],
)
def test_callbacks(error: str, number: int, kind: type[tree.CalsyncError], code: str) -> None:
    description = f"AADSTS{number}: something about Dr Weber" if number else "The admin canceled the request"
    found = to_sign_in_error({"error": error, "error_description": description})
    assert type(found) is kind
    assert found.code == code
    assert "Weber" not in str(found)


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable", "a_word_of_next_year", ""])
@pytest.mark.complaint(3)
def test_only_a_definite_refusal_ends_a_connection(error: str) -> None:
    assert type(to_refresh_error({"error": error})) is tree.ProviderUnavailableError
    assert not isinstance(to_refresh_error({"error": error}), tree.ConnectionBrokenError)


def test_a_tenant_that_throttles_does_not_end_a_connection() -> None:
    answer = {"error": "invalid_grant", "error_codes": [90055]}
    assert type(to_refresh_error(answer)) is tree.ProviderUnavailableError


def test_every_code_that_the_tables_give_has_a_text_for_people() -> None:
    """test_wording.py sees codes only where they are raised; these come out of tables."""
    tables = (errors._BY_CODE, errors._BY_STATUS, errors._BY_WRAPPED)
    codes = {code for table in tables for _, code in table.values()}
    numbers = signin_errors._POLICY_NUMBERS | signin_errors._APP_NUMBERS | signin_errors._CONSENT_NUMBERS
    codes |= set(signin_errors._OURS.values()) | {signin_errors._admin_code(number) for number in numbers}
    assert codes - set(CATALOGUE) == set()

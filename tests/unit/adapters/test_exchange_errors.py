"""Every response code of Exchange has one meaning for us."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from calsync_core.adapters.exchange.errors import BY_CODE, LONGEST_WAIT, Refusal, to_error
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    CursorExpiredError,
    InstallationError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderThrottledError,
    ProviderUnavailableError,
    VersionChangedError,
)
from calsync_core.web.wording import CATALOGUE

REFERENCE = Path(__file__).parents[4] / "shared/reference/ews-response-codes.csv"
# What the collected codes suggest -> the classes that keep to it.
MEANT: dict[str, tuple[type[CalsyncError], ...]] = {
    "throttled": (ProviderThrottledError,),
    "throttled-subscriptions": (ProviderThrottledError,),
    "auth-or-permission": (ConsentRevokedError, PermissionMissingError),
    "bad-push-url": (PermissionMissingError,),
    "full-resync": (CursorExpiredError, AppointmentGoneError),
    "resubscribe": (AppointmentGoneError, AppointmentRejectedError),
    "transient": (ProviderUnavailableError,),
    "mailbox-missing": (MailboxUnusableError, AppointmentRejectedError),
    "item-gone": (AppointmentGoneError,),
    "corrupt-item": (AppointmentRejectedError,),
    "conflict": (VersionChangedError, AppointmentRejectedError),
    "bad-request": (AppointmentRejectedError, AppointmentGoneError, InstallationError, PermissionMissingError),
    "version": (ConnectionBrokenError,),
    "quota": (MailboxUnusableError,),
    "foreign-freebusy": (AppointmentRejectedError,),
    "": (CalsyncError,),
}


def codes() -> list[tuple[str, str]]:
    if not REFERENCE.exists():
        return []
    with REFERENCE.open() as file:
        return [(row["code"], row["suggested_handling"]) for row in csv.DictReader(file) if row["code"] != "NoError"]


@pytest.mark.skipif(not REFERENCE.exists(), reason="the collected response codes are not at hand")
def test_every_code_of_the_schema_has_a_meaning_that_fits_what_is_known() -> None:
    known = codes()
    wrong = [
        f"{code}: {type(to_error(Refusal(code))).__name__}"
        for code, meant in known
        if not isinstance(to_error(Refusal(code)), MEANT[meant])
    ]

    assert len(known) > 500
    assert not wrong


@pytest.mark.skipif(not REFERENCE.exists(), reason="the collected response codes are not at hand")
def test_no_code_is_invented() -> None:
    ours = set(BY_CODE) - {code for code, _ in codes()}
    assert ours <= {"ErrorNotDelegate"}, ours


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_meaning_has_words_for_people(code: str) -> None:
    assert to_error(Refusal(code)).code in CATALOGUE


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [("297749", 297.749), ("0", 0), ("999999999", LONGEST_WAIT.total_seconds())]
)
def test_a_busy_server_names_the_wait(milliseconds: str, seconds: float) -> None:
    error = to_error(Refusal("ErrorServerBusy", 500, (("BackOffMilliseconds", milliseconds),)))
    assert isinstance(error, ProviderThrottledError)
    assert error.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("milliseconds", ["", "soon", "-5", "1e9", "9" * 40])
def test_a_wait_that_nobody_can_read_is_the_usual_one(milliseconds: str) -> None:
    error = to_error(Refusal("ErrorServerBusy", 500, (("BackOffMilliseconds", milliseconds),)))
    assert isinstance(error, ProviderThrottledError)
    assert timedelta(seconds=1) <= error.retry_after <= timedelta(minutes=1)


def test_a_busy_server_behind_an_internal_error_is_busy() -> None:
    values = (("InnerErrorResponseCode", "ErrorServerBusy"), ("BackOffMilliseconds", "5000"))
    error = to_error(Refusal("ErrorInternalServerError", 200, values))
    assert isinstance(error, ProviderThrottledError)
    assert error.retry_after == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, ConsentRevokedError, "password_wrong"),
        (403, PermissionMissingError, "web_services_off"),
        (404, ConnectionBrokenError, "web_services_off"),
        (500, ProviderUnavailableError, "provider_unavailable"),
        (503, ProviderUnavailableError, "provider_unavailable"),
        (302, ProviderUnavailableError, "provider_unavailable"),
    ],
)
def test_a_status_without_a_code_has_a_meaning_too(status: int, kind: type[CalsyncError], code: str) -> None:
    error = to_error(Refusal("", status))
    assert isinstance(error, kind)
    assert error.code == code


def test_what_a_server_writes_never_leaves_the_adapter() -> None:
    error = to_error(Refusal("Error<script>alert('Max')", 500, (("Text", "Lunch with Max"),)))
    assert "<" not in str(error)
    assert "Lunch" not in str(error)
    assert len(str(to_error(Refusal("E" * 5000)))) < 200

"""The sign-in service's refusals -> our error tree.

`error` and `suberror` decide; the AADSTS number only where one word covers cases that need different people
(graph.md 2.8). Only a definite refusal ends a connection: whatever we do not know is "try again".
"""

from collections.abc import Mapping
from typing import Any

from calsync_core.domain.errors import (
    AdminApprovalError,
    CalsyncError,
    ConsentRevokedError,
    InstallationError,
    ProviderUnavailableError,
    SignInRefusedError,
)

_DEFINITE = frozenset({"invalid_grant", "interaction_required", "login_required", "user_password_expired"})
_ADMIN_ERRORS = frozenset({"consent_required", "unauthorized_client"})
_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error", "request_timeout"})
_OURS = {
    "invalid_client": "entra_secret_wrong",
    "invalid_request": "entra_request_refused",
    "invalid_scope": "entra_request_refused",
    "invalid_resource": "entra_request_refused",
    "unsupported_grant_type": "entra_request_refused",
    "unsupported_response_type": "entra_request_refused",
}
_CONSENT_NUMBERS = frozenset({65001, 90094, 90095, 900941})
_POLICY_NUMBERS = frozenset({53000, 53001, 53002, 53003, 530032, 50105})
_APP_NUMBERS = frozenset({700016, 7000112, 70001})
_TRANSIENT_NUMBERS = frozenset({90033, 90024, 50033, 90006, 90012, 90055, 50196})
_WRONG_ACCOUNT_NUMBERS = frozenset({50020, 50034, 16000, 500208, 50194, 9002332})
_STALE_NUMBERS = frozenset({54005, 501481, 50147, 501491, 700005, 50089})


def to_refresh_error(answer: Mapping[str, Any]) -> CalsyncError:
    """Of a refresh with a stored grant: is the connection over, or is it only now?"""
    error, number = _read(answer)
    detail: dict[str, str | int] = {"aadsts": number} if number else {}
    if number in _TRANSIENT_NUMBERS or error in _TRANSIENT_ERRORS:
        return ProviderUnavailableError("sign_in_unavailable", **detail)
    if _needs_admin(answer, error, number):
        return AdminApprovalError(_admin_code(number), **detail)
    if error in _DEFINITE:
        return ConsentRevokedError("auth_expired", **detail)
    return _rest(error, number, detail)


def to_sign_in_error(answer: Mapping[str, Any]) -> CalsyncError:
    """Of a callback or of redeeming its code: what the person is told."""
    error, number = _read(answer)
    detail: dict[str, str | int] = {"aadsts": number} if number else {}
    if number in _TRANSIENT_NUMBERS or error in _TRANSIENT_ERRORS:
        return ProviderUnavailableError("sign_in_unavailable", **detail)
    if number in _WRONG_ACCOUNT_NUMBERS:
        return SignInRefusedError("wrong_account", **detail)
    if number in _POLICY_NUMBERS:
        return SignInRefusedError("blocked_by_organisation", **detail)
    if _needs_admin(answer, error, number):
        return AdminApprovalError(_admin_code(number), **detail)
    if error in {"access_denied", "permission_denied"}:
        return SignInRefusedError("declined", **detail)
    if error in _DEFINITE or number in _STALE_NUMBERS:
        return SignInRefusedError("sign_in_again", **detail)
    return _rest(error, number, detail)


def _rest(error: str, number: int, detail: dict[str, str | int]) -> CalsyncError:
    if error in _OURS:
        code = "entra_secret_expired" if number == 7000222 else _OURS[error]
        return InstallationError(code, **detail)
    return ProviderUnavailableError("sign_in_unclear", **detail)


def _needs_admin(answer: Mapping[str, Any], error: str, number: int) -> bool:
    return (
        error in _ADMIN_ERRORS
        or answer.get("suberror") == "consent_required"
        or number in _CONSENT_NUMBERS | _POLICY_NUMBERS | _APP_NUMBERS
    )


def _admin_code(number: int) -> str:
    if number in _POLICY_NUMBERS:
        return "blocked_by_organisation"
    if number in _APP_NUMBERS:
        return "auth_app_disabled"
    return "auth_admin_approval"


def _read(answer: Mapping[str, Any]) -> tuple[str, int]:
    """(error, AADSTS number). A callback carries the number only at the start of its description."""
    error = str(answer.get("error") or "").lower()
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return error, codes[0]
    head = str(answer.get("error_description") or "")[:20]
    digits = head.removeprefix("AADSTS").partition(":")[0] if head.startswith("AADSTS") else ""
    return error, int(digits) if digits.isdecimal() else 0

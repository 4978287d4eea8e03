"""Error answers in Graph's shape. Codes and texts: reference/graph-error-shapes.json unless said otherwise."""

from datetime import datetime
from typing import Any


class GraphError(Exception):
    """A refusal that becomes an error answer."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def error_body(error: GraphError, request_id: str, client_request_id: str, now: datetime) -> dict[str, Any]:
    """Return the JSON body of an error answer; dates in it carry no zone and are UTC."""
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        }
    }


def token_expired() -> GraphError:
    return _unauthorized("Lifetime validation failed, the token is expired.")


def token_invalid() -> GraphError:
    return _unauthorized("Access token validation failure. Invalid audience.")


def token_missing() -> GraphError:
    return _unauthorized("Access token is empty.")


def _unauthorized(message: str) -> GraphError:
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def access_denied() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def access_policy() -> GraphError:
    return GraphError(403, "ErrorAccessDenied", "Access to OData is disabled.")


def no_rest_mailbox() -> GraphError:
    return GraphError(404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox.")


def no_mailbox_of_address() -> GraphError:
    return GraphError(404, "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")


def missing_address() -> GraphError:
    return GraphError(
        400,
        "ErrorMissingEmailAddress",
        "When making a request as an account that does not have a mailbox, you must specify the mailbox "
        "primary SMTP address for any distinguished folder Ids.",
    )


def invalid_user(name: str) -> GraphError:
    return GraphError(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")


def item_not_found() -> GraphError:
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> GraphError:
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def property_failed() -> GraphError:
    return GraphError(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")


def body_unreadable(message: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", message)


def bad_request(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def invalid_request(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidRequest", f"Your request can't be completed. {message}")


def invalid_parameter(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidParameter", message)


def invalid_query(message: str) -> GraphError:
    return GraphError(400, "ErrorInvalidUrlQuery", message)


def unparsable_query(message: str) -> GraphError:
    return GraphError(400, "RequestBroker--ParseUri", message)


def unknown_zone(name: str) -> GraphError:
    return GraphError(
        400,
        "TimeZoneNotSupportedException",
        f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
    )


def crossing_boundary() -> GraphError:
    return GraphError(
        400,
        "ErrorOccurrenceCrossingBoundary",
        "Modified occurrence is crossing or overlapping adjacent occurrence.",
    )


def not_organizer() -> GraphError:
    return invalid_request("You need to be an organizer to cancel a meeting.")


def duplicate_transaction() -> GraphError:
    """The status is not documented; 409 until measured."""
    return GraphError(
        409,
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId specified in the request has already been used "
        "to create a different event.",
    )


def stale_change_key() -> GraphError:
    return GraphError(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request "
        "does not match the current change key for the item.",
    )


def sync_state_gone(generation: int, highest: int) -> GraphError:
    kept = "".join(f"[{g}]" for g in (highest, max(highest - 2, 0), max(highest - 1, 0)))
    return GraphError(
        410,
        "SyncStateNotFound",
        f"The sync state generation is not found; generation={generation};[highest={highest}]{kept}.",
    )


def sync_state_invalid() -> GraphError:
    return GraphError(400, "SyncStateInvalid", "The sync state data is invalid.")


def not_supported() -> GraphError:
    return GraphError(501, "NotImplemented", "This operation target is not yet supported.")


def over_concurrency() -> GraphError:
    return GraphError(
        429,
        "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
        {"Retry-After": "1.128"},
    )


def over_rate(seconds: float) -> GraphError:
    return GraphError(429, "TooManyRequests", "Please retry again later.", {"Retry-After": f"{max(seconds, 0.1):.3f}"})


def shared_the_old_way() -> GraphError:
    return GraphError(500, "ErrorInternalServerTransientError", "An internal server error occurred. Try again later.")

"""Every AADSTS code this stand-in can answer with: OAuth error, status, suberror and text, as data.

The rows of graph.md 2.8 and those the flow itself needs. The control API can make any of them happen; a code
that is not listed cannot be injected, so that a typing error in a test does not pass as a Microsoft answer.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class StsShape:
    """How Entra words one code. `suberror` is empty where Entra sends none."""

    error: str
    status: int
    message: str
    suberror: str = ""


def _rows(error: str, status: int, suberror: str, texts: dict[int, str]) -> dict[int, StsShape]:
    return {code: StsShape(error, status, text, suberror) for code, text in texts.items()}


GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
_MFA = f"you must use multi-factor authentication to access '{GRAPH_APP_ID}'."
_BLOCKED = "The access policy does not allow token issuance."

SHAPES: dict[int, StsShape] = {
    **_rows("invalid_grant", 400, "bad_token", {
        50173: "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
        "The user might have changed or reset their password.",
    }),
    **_rows("invalid_grant", 400, "token_expired", {
        700082: "The refresh token has expired due to inactivity. The token was issued on {issued_at} and was "
        "inactive for 90.00:00:00.",
        70008: "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource.",
        70043: "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        50089: "Authentication failed due to flow token expired.",
    }),
    **_rows("invalid_grant", 400, "", {
        70000: "The provided value for the input parameter 'refresh_token' or 'code' is not valid.",
        54005: "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
        "existing refresh token.",
        501481: "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        50147: "Missing Code Challenge. The size of the code challenge parameter is not valid.",
        700005: "The provided Authorization Code is intended to use against other tenant, thus rejected.",
        50034: "The user account {user} does not exist in the {tenant} directory.",
        50020: "User account '{user}' from identity provider '{idp}' does not exist in tenant '{tenant}' and "
        "cannot access the application '{app}' in that tenant.",
        50057: "The user account is disabled.",
        50144: "The user's Active Directory password has expired.",
        50196: "The server terminated an operation because it encountered a client request loop.",
        53011: "User blocked due to risk on home tenant.",
        50053: "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        16000: "User account is not in the tenant. Interaction is required to choose another account.",
    }),
    **_rows("invalid_grant", 400, "user_password_expired", {50055: "The password is expired."}),
    **_rows("invalid_grant", 400, "consent_required", {
        65001: "The user or administrator has not consented to use the application with ID '{app}' named "
        "'{app_name}'. Send an interactive authorization request for this user and resource.",
    }),
    **_rows("invalid_grant", 400, "basic_action", {
        50076: "Due to a configuration change made by your administrator, or because you moved to a new "
        f"location, {_MFA}",
        50079: f"Due to a configuration change made by your administrator, you must enroll in MFA: {_MFA}",
        50072: f"Due to a configuration change made by your administrator, you must enroll in MFA: {_MFA}",
        50074: "Strong Authentication is required.",
    }),
    **_rows("invalid_grant", 400, "additional_action", {50158: "External security challenge not satisfied."}),
    **_rows("invalid_grant", 400, "message_only", {
        53003: f"Access has been blocked by Conditional Access policies. {_BLOCKED}",
        530032: f"User blocked due to risk by a tenant policy. {_BLOCKED}",
        53000: "Device is not in required device state: compliant.",
        53001: "Device is not in required device state: domain_joined.",
    }),
    **_rows("invalid_grant", 400, "client_mismatch", {
        700003: "The grant was issued to another client.",
    }),
    **_rows("access_denied", 400, "", {
        65004: "User declined to consent to access the app.",
        90094: "An administrator of {tenant} has set a policy that prevents you from granting {app_name} the "
        "permissions it is requesting. Contact an administrator of {tenant}, who can grant permissions to this "
        "app on your behalf.",
        90095: "Admin consent is required; a request has been sent to an administrator of {tenant}.",
        50105: "The signed in user '{user}' is not assigned to a role for the application '{app}'.",
    }),
    **_rows("unauthorized_client", 400, "", {
        700016: "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen "
        "if the application has not been installed by the administrator of the tenant.",
        7000112: "Application '{app}'({app_name}) is disabled.",
        70001: "Application with identifier '{app}' was not found in the directory.",
    }),
    **_rows("invalid_client", 401, "", {
        7000215: "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID, for a secret added to app '{app}'.",
        7000222: "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create "
        "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for "
        "added security: https://aka.ms/certCreds.",
        7000218: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        70002: "Error validating credentials.",
        700021: "Client assertion application identifier doesn't match 'client_id' parameter.",
        700023: "Client assertion audience claim does not match Realm issuer.",
        700024: "Client assertion is not within its valid time range.",
        7000214: "The certificate with which the client assertion was signed has expired.",
        700027: "Client assertion failed signature validation: the key was not found.",
        700030: "Invalid certificate - subject name in certificate is not authorized.",
    }),
    **_rows("invalid_client", 400, "", {
        500112: "The reply address '{redirect_uri}' does not match the reply address provided when requesting "
        "the authorization code.",
        650053: "The application '{app_name}' asked for scope '{scope}' that doesn't exist on the resource "
        f"'{GRAPH_APP_ID}'. Contact the app vendor.",
        650056: "Misconfigured application: no permissions are listed for '{app}'.",
        650057: "Invalid resource. The client has requested access to a resource which is not listed.",
        65005: "Misconfigured application: the required resource access list does not contain it.",
    }),
    **_rows("invalid_scope", 400, "", {
        70011: "The provided value for the input parameter 'scope' isn't valid. The scope {scope} isn't valid.",
        1002012: "The provided value for scope {scope} is not valid. Client credential flows must have a scope "
        "value with /.default suffixed to the resource identifier (application ID URI).",
    }),
    **_rows("invalid_request", 400, "", {
        900144: "The request body must contain the following parameter: '{scope}'.",
        90002: "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud.",
        90023: "Unsupported or invalid value for a parameter: {scope}.",
        50011: "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{app}'.",
        50194: "Application '{app}'({app_name}) is not configured as a multi-tenant application. Usage of the "
        "/common endpoint is not supported for such apps created after '10/15/2018'.",
        500208: "The domain is not a valid login domain for the account type.",
        9002332: "Application '{app}'({app_name}) is configured for use by Microsoft Entra users only. Please do "
        "not use the /consumers endpoint to serve this request.",
        9002331: "Application '{app}'({app_name}) is configured for use by Microsoft Account users only. Please "
        "use the /consumers endpoint to serve this request.",
        501491: "The size or form of the code challenge or code verifier parameter is not valid.",
        9002313: "Invalid request. Request is malformed or invalid.",
        9001023: "The grant type is not supported over the /common or /consumers endpoints. Please use the "
        "/organizations or tenant-specific endpoint.",
        90130: "Application '{app}' ({app_name}) is not supported over the /common or /consumers endpoints.",
    }),
    **_rows("unsupported_grant_type", 400, "", {70003: "The app returned an unsupported grant type '{scope}'."}),
    **_rows("unsupported_response_type", 400, "", {
        700054: "response_type '{scope}' is not enabled for the application.",
    }),
    **_rows("login_required", 400, "", {50058: "A silent sign-in request was sent but no user is signed in."}),
    **_rows("temporarily_unavailable", 503, "", {
        90033: "A transient error has occurred. Please try again.",
        90006: "The service is temporarily unavailable.",
    }),
    **_rows("temporarily_unavailable", 429, "", {90055: "The tenant is throttled: too many requests."}),
    **_rows("server_error", 500, "", {
        90024: "RequestBudgetExceededError - a transient error has occurred.",
        50033: "RetryableError - indicates a transient error not related to the database operations.",
        90012: "RequestTimeout - the requested has timed out.",
    }),
}  # fmt: skip


@dataclass
class StsError(Exception):
    """A refusal by the sign-in service; `values` fill the text of the code."""

    code: int
    values: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> StsShape:
        return SHAPES[self.code]

    def description(self, at: datetime) -> str:
        """The error_description as Entra words it, with fresh trace and correlation ids."""
        text = self.shape.message.format_map(_Values(self.values))
        return (
            f"AADSTS{self.code}: {text} Trace ID: {uuid.uuid4()} Correlation ID: {uuid.uuid4()} Timestamp: {_stamp(at)}"
        )

    def body(self, at: datetime) -> dict[str, object]:
        """The JSON answer of the token endpoint."""
        description = self.description(at)
        trace_id, correlation_id = description.split("Trace ID: ")[1].split(" Timestamp")[0].split(" Correlation ID: ")
        answer: dict[str, object] = {
            "error": self.shape.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": _stamp(at),
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        if self.shape.suberror:
            answer["suberror"] = self.shape.suberror
        return answer


class _Values(dict[str, str]):
    """Values for a text; what is not known stays as its name, which is better than a failing error answer."""

    def __missing__(self, key: str) -> str:
        return f"({key})"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")

"""The documents that clients find the sign-in service by: discovery, keys, instance discovery."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.entra.errors import SHAPES, StsError
from sandbox.entra.service import Entra


def configuration(entra: Entra, request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration.

    What a person opens is on the people's http address; what machines call is on the host that was asked.
    """
    path = request.path_params["tenant"]
    tenant = entra.directory.tenant_named(path)
    if tenant is None and path not in ("common", "organizations", "consumers"):
        refused = StsError(90002, {"tenant": path})
        return JSONResponse(refused.body(entra.now()), refused.shape.status)
    machine = f"https://{request.headers['host']}"
    named = tenant.id if tenant else path
    if path == "consumers":
        issuer_tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
    else:
        issuer_tenant = tenant.id if tenant else "{tenantid}"
    return JSONResponse(
        {
            "token_endpoint": f"{machine}/{named}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{machine}/{named}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{machine}/{issuer_tenant}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "authorization_endpoint": f"{entra.people_url}/{named}/oauth2/v2.0/authorize",
            "end_session_endpoint": f"{entra.people_url}/{named}/oauth2/v2.0/logout",
            "code_challenge_methods_supported": ["plain", "S256"],
            "claims_supported": [
                "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid", "email",
            ],
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }
    )  # fmt: skip


def keys(entra: Entra, request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys."""
    issuer = f"https://{request.headers['host']}/{{tenantid}}/v2.0"
    return JSONResponse(entra.tokens.jwks(issuer))


def instance(entra: Entra, request: Request) -> Response:
    """GET /common/discovery/instance: the aliases of a sign-in host."""
    host = request.headers["host"].partition(":")[0]
    asked = request.query_params.get("authorization_endpoint", "")
    if not asked:
        refused = StsError(900144, {"scope": "authorization_endpoint"})
        return JSONResponse(refused.body(entra.now()), SHAPES[900144].status)
    tenant = asked.split("/")[3] if asked.count("/") >= 3 else "common"
    discovery = f"https://{request.headers['host']}/{tenant}/v2.0/.well-known/openid-configuration"
    metadata = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    return JSONResponse({"tenant_discovery_endpoint": discovery, "api-version": "1.1", "metadata": [metadata]})

"""How the sign-in service answers: pages for people, redirects or posting forms for apps."""

from pathlib import Path
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.entra.errors import StsError
from sandbox.entra.service import Entra, SignIn

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("pages")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Pages of a sign-in are never kept by a browser or shown in a frame.
_HEADERS = {"Cache-Control": "no-store, no-cache", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Render one page of `pages/`."""
    return HTMLResponse(_TEMPLATES.get_template(name).render(**values), status, headers=_HEADERS)


def error_page(entra: Entra, refused: StsError) -> HTMLResponse:
    """Say on a page of ours what is wrong; the browser is not sent anywhere."""
    at = entra.now()
    status = refused.shape.status if refused.shape.status >= 500 else 400
    return page("error.html", status, code=refused.code, description=refused.description(at), at=at)


def refuse_app(entra: Entra, sign_in: SignIn, refused: StsError, *, subcode: str = "") -> Response:
    """Send a refusal to the app's redirect address."""
    fields = {"error": refused.shape.error, "error_description": refused.description(entra.now())}
    fields["error_uri"] = f"https://login.microsoftonline.com/error?code={refused.code}"
    if subcode:
        fields["error_subcode"] = subcode
    if refused.shape.suberror:
        fields["suberror"] = refused.shape.suberror
    return answer_app(entra, sign_in, fields)


def answer_app(entra: Entra, sign_in: SignIn, fields: dict[str, str]) -> Response:
    """Send an answer to the app's redirect address in the response mode it asked for; ends the sign-in."""
    entra.sign_ins.pop(sign_in.id, None)
    if sign_in.state:
        fields = fields | {"state": sign_in.state}
    if sign_in.response_mode == "form_post":
        return page("form_post.html", redirect_uri=sign_in.redirect_uri, fields=fields)
    mark = "#" if sign_in.response_mode == "fragment" else ("&" if "?" in sign_in.redirect_uri else "?")
    address = f"{sign_in.redirect_uri}{mark}{urlencode(fields)}"
    return RedirectResponse(address, 302, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

"""The clinic's own Exchange server in the console, and its role account: entered and tested as an admin would, by HTTP.

The sandbox's certificate comes from an authority of its own; its certificate is uploaded, nothing is switched off.
"""

from local.browser import PageError
from local.cloud import LocalCloud
from local.journey import Admin
from local.people import FARAH, FREE_BUSY, GIL, HOSPITAL

TITLE = "Exchange of the clinic"
ROLE = "Free and busy of the hospital"


def connect_server(cloud: LocalCloud) -> None:
    """Enter the server and test it with one mailbox, once.

    Raises:
        PageError: the console refuses it, or the test does not pass; with what the page says.
    """
    if cloud.state.notes.get("exchange") == cloud.microsoft.ews:
        return
    admin = Admin(cloud)
    if cloud.microsoft.ews in admin.open("/connections").html:
        cloud.state.notes["exchange"] = cloud.microsoft.ews
        return
    server = admin.add_exchange_server(TITLE, cloud.microsoft.ews, cloud.microsoft.ca_file)
    admin.test_exchange_server(server, FARAH, cloud.state.password)
    page = admin.open(server)
    if "Exchange20" not in page.html or "The last test did not pass" in page.html:
        raise PageError(f"the test of {TITLE} did not pass: {page.html[:3000]}")
    cloud.state.notes["exchange"] = cloud.microsoft.ews


def connect_role_account(cloud: LocalCloud) -> None:
    """Enter who may look up the hospital's free and busy times, and try it on one of its doctors, once.

    Raises:
        PageError: the console refuses it, or the test does not pass; with what the page says.
    """
    if cloud.state.notes.get("role_account") == cloud.microsoft.ews:
        return
    admin = Admin(cloud)
    if ROLE not in admin.open("/connections").html:
        role = admin.add_role_account(ROLE, HOSPITAL, FREE_BUSY, cloud.state.password)
        page = admin.test_role_account(role, GIL)
        if "Answers for its mail domains" not in page.html:
            raise PageError(f"the test of {ROLE} did not pass: {page.html[:3000]}")
    cloud.state.notes["role_account"] = cloud.microsoft.ews

"""GetUserConfiguration: the options of the person's Outlook on the web, of which clients read the time zone."""

from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.tree import ROOT, place_of
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, find, m, t
from sandbox.zones import windows_name

OPTIONS = "OWA.UserOptions"


@operation("GetUserConfiguration", since=Version.EXCHANGE2010)
def get_user_configuration(call: Call, request: Element) -> Element:
    """OWA.UserOptions in the root; no other configuration exists."""
    name = find(request, "UserConfigurationName")
    if name is None or len(name) == 0:
        raise SchemaError("The element 'GetUserConfiguration' has incomplete content.", request.sourceline or 1)
    place = place_of(call, name[0])
    if name.get("Name") != OPTIONS or place.distinguished != ROOT:
        raise EwsError("ErrorItemNotFound")
    zone = windows_name(place.mailbox.time_zone)
    return call.message(
        m(
            "UserConfiguration",
            t("UserConfigurationName", t("FolderId", Id=place.id, ChangeKey=place.change_key), Name=OPTIONS),
            t("Dictionary", _entry("timezone", zone), _entry("weekstartday", "1", kind="Integer32")),
        )
    )


def _entry(key: str, value: str, *, kind: str = "String") -> Element:
    return t(
        "DictionaryEntry",
        t("DictionaryKey", t("Type", "String"), t("Value", key)),
        t("DictionaryValue", t("Type", kind), t("Value", value)),
    )

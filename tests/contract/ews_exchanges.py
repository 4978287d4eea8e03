"""What our client sent to the Exchange sandbox, judged: the schema of Exchange SE, and rules of our own.

Nobody is mailed, nothing is overwritten unseen, no element is sent that the asked version does not have.
"""

import re
from typing import Any

from lxml import etree

from tests.sandbox.ews_schema import FOLDER, check

_VERSION = re.compile(r'RequestServerVersion Version="([^"]+)"')
# Elements and paths that came after Exchange 2007 SP1, by what this client could be tempted to say.
LATER_THAN_2007 = (
    "StartTimeZone", "EndTimeZone", "StartTimeZoneId", "TimeZoneContext", "SyncScope", "SuppressReadReceipts",
    "WorkingElsewhere", "TextBody", "GetUserConfiguration", "UniqueBody",
)  # fmt: skip
_WRITES = ("CreateItem", "UpdateItem", "DeleteItem")


def check_ews_exchanges(exchanges: list[dict[str, Any]], mailbox: str, *, is_2007: bool = False) -> int:
    """Fail when one of the mailbox's requests does not fit; gives how many there were."""
    checked = 0
    for one in exchanges:
        body = one["request_body"] or ""
        agent = {name.lower(): value for name, value in one["request_headers"].items()}.get("user-agent", "")
        if one["mailbox"] != mailbox or not one["path"].lower().endswith("exchange.asmx") or not body:
            continue
        assert agent == "calsync/1"
        checked += 1
        _check_rules(body, is_2007=is_2007)
        if FOLDER.exists():
            check(body, "requests")
    return checked


def _check_rules(body: str, *, is_2007: bool) -> None:
    version = _VERSION.search(body)
    assert version is not None
    if is_2007:
        assert version[1] == "Exchange2007_SP1"
        later = [name for name in LATER_THAN_2007 if name in body]
        assert not later, f"{later} in {body[:300]}"
    request = etree.fromstring(body.encode()).find("{*}Body")[0]
    name = etree.QName(request).localname
    if name not in _WRITES:
        return
    modes = {key: value for key, value in request.attrib.items() if key.startswith("SendMeeting")}
    assert set(modes.values()) == {"SendToNone"}
    assert request.get("DeleteType") in {None, "MoveToDeletedItems"}
    for change in request.iter("{*}ItemChange"):
        has_version = change.find("{*}ItemId").get("ChangeKey") is not None
        expected = "NeverOverwrite" if has_version else "AlwaysOverwrite"
        assert request.get("ConflictResolution") == expected
        fields = {one.get("FieldURI") for one in change.iter("{*}FieldURI")}
        assert not fields & {"item:Importance", "item:Categories", "calendar:RequiredAttendees", "calendar:UID"}

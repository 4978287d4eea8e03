"""Errors of Exchange on demand: what a fault rule's `ews` says, in the shape that the operation's answer has."""

from typing import TYPE_CHECKING

from sandbox.exchange.dispatch import OPERATIONS, Operation
from sandbox.exchange.errors import EwsError, SoapFaultError, error_parts
from sandbox.exchange.xml import Element, find, m, t

if TYPE_CHECKING:
    from sandbox.faults import EwsFault

_OBJECTS = (
    "ItemIds",
    "Items",
    "ItemChanges",
    "FolderIds",
    "Folders",
    "ParentFolderIds",
    "MailboxDataArray",
    "SourceIds",
)
"""Elements whose children have one response message each."""


def refuse(wanted: "EwsFault", name: str, request: Element) -> Element:
    """The response element with as many failed messages as the request has objects.

    Raises:
        SoapFaultError: the rule wants a fault.
    """
    values = dict(wanted.values)
    if wanted.back_off_milliseconds is not None:
        values["BackOffMilliseconds"] = str(wanted.back_off_milliseconds)
    error = EwsError(wanted.code, wanted.message, values=values)
    if wanted.form in ("fault", "fault_200"):
        raise SoapFaultError(wanted.code, wanted.message, values=values, status=500 if wanted.form == "fault" else 200)
    if wanted.form == "inner":
        inside = {"InnerErrorMessageText": error.message, "InnerErrorResponseCode": error.code}
        error = EwsError("ErrorInternalServerError", values=values | inside | {"InnerErrorDescriptiveLinkKey": "0"})
    return _failed(OPERATIONS[name], error, _count(request))


def _count(request: Element) -> int:
    for name in _OBJECTS:
        found = find(request, name)
        if found is not None:
            return max(1, len(found))
    return 1


def _failed(chosen: Operation, error: EwsError, count: int) -> Element:
    if chosen.name == "GetUserAvailability":
        return m("GetUserAvailabilityResponse", m("FreeBusyResponseArray", [_free_busy(error) for _ in range(count)]))
    messages = [
        m(chosen.message, error_parts(error), [m(part) for part in chosen.empty], ResponseClass="Error")
        for _ in range(count)
    ]
    return m(chosen.response, m("ResponseMessages", messages))


def _free_busy(error: EwsError) -> Element:
    message = m("ResponseMessage", error_parts(error), ResponseClass="Error")
    return m("FreeBusyResponse", message, m("FreeBusyView", t("FreeBusyViewType", "None")))

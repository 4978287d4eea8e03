"""What /v1/connections gives: mailboxes that are connected, and the report of a connection test."""

from typing import Literal

from pydantic import Field

from calsync_core.web.api.schemas import Answered, Instant


class ConnectionOut(Answered):
    """One mailbox, which several resources may use."""

    id: str
    provider: Literal["office365", "exchange", "google"]
    address: str
    resources: list[str]
    works: bool = Field(description="False: the sign-in was refused; nothing is tried until a person gives a new one.")
    code: str | None = Field(description="Why it was refused.")


class TestStepOut(Answered):
    """One step: what was found and, when it failed, what that means, what is next, and who acts."""

    step: str
    name: str
    result: Literal["ok", "failed", "not_tried"]
    found: str | None
    code: str | None
    provider_code: str | None
    meaning: str | None
    next_step: str | None
    who_acts: Literal["resource", "admin", "it", "operator", "nobody"] | None
    seconds: float


class TestPartOut(Answered):
    """ "General connection" or "Send and receive data"."""

    part: Literal["general", "data"]
    name: str
    result: Literal["ok", "failed", "not_tried"]
    steps: list[TestStepOut]


class ConnectionTestOut(Answered):
    """A whole report; it never holds a password, a token or the title of an entry."""

    connection_id: str
    provider: Literal["office365", "exchange", "google"]
    address: str
    place: str = Field(description="Where it was asked: Microsoft 365, or the host of the Exchange server.")
    at: Instant
    seconds: float
    result: Literal["ok", "failed", "not_tried"]
    parts: list[TestPartOut]

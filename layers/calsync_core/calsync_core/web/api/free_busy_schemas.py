"""What /v1/free-busy takes and gives; never a title."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from calsync_core.domain.ids import LONGEST_ID
from calsync_core.web.api.schemas import Answered, Asked, Instant, IntervalOut

Address = Annotated[str, StringConstraints(max_length=320)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]


class FreeBusyIn(Asked):
    """Addresses, resources or both; together at most 100, over at most 62 days."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_name=False)

    addresses: list[Address] = Field(default_factory=list, description="E-mail addresses of people and rooms.")
    resource_ids: list[Id] = Field(default_factory=list, description="The booking system's ids.")
    from_: Instant = Field(alias="from")
    to: Instant = Field(description="Exclusive; at most 62 days after `from`.")


class FreeBusyItem(Answered):
    """About one of them. Time that no interval covers is free; `known` false: part of it is `unknown` for `reason`."""

    asked: str = Field(description="As it was asked for.")
    resource_id: str | None
    address: str | None
    known: bool
    reason: str | None
    as_of: Instant | None = Field(description="How old the answer is; null when nobody could be asked.")
    source: Literal["connection", "role_account"] | None = Field(
        description="Who is connected is answered from the connection, everybody else by the domain's role account."
    )
    role_account: str | None = Field(description="The title of the role account that answered.")
    intervals: list[IntervalOut]


class FreeBusyOut(Answered):
    """One answer for each address, then each resource, in their order."""

    start: Instant
    end: Instant
    answers: list[FreeBusyItem]

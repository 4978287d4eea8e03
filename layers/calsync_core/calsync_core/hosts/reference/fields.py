"""The building blocks of entities: base class, ids, texts, instants."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator

from calsync_core.hosts.reference.instants import read_instant, read_moment, read_zone, write_instant


class Document(BaseModel):
    """Immutable, strict, refuses unknown fields; its errors never repeat what was sent."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, ser_json_inf_nan="null"
    )


# Everything below a space but tab and line breaks, and DEL: no page, feed or calendar shows them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _clean(text: object) -> object:
    return _CONTROL.sub("", text) if isinstance(text, str) else text


def _instant(value: object) -> datetime:
    # Our own code hands over instants that are read already; out of JSON they can only come as text.
    return value if isinstance(value, datetime) and value.tzinfo is UTC else read_instant(value)


_ID_PATTERN = r"^[A-Za-z0-9._:~@=+-]{1,128}$"
Id = Annotated[str, Field(pattern=_ID_PATTERN)]
Line = Annotated[str, BeforeValidator(_clean), Field(max_length=1000)]
Name = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=200)]
Email = Annotated[str, Field(max_length=320, pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s<>\"]+$")]
Zone = Annotated[str, AfterValidator(read_zone)]
Instant = Annotated[datetime, PlainValidator(_instant), PlainSerializer(write_instant, when_used="json")]
Moment = Annotated[datetime | date, PlainValidator(read_moment)]


def is_id(text: str) -> bool:
    """Whether the text may be an id; anything else names nothing."""
    return re.fullmatch(_ID_PATTERN, text) is not None

"""What a text consists of, the mark for translation, and sentences that stand with many codes."""

from dataclasses import dataclass
from enum import StrEnum


class Actor(StrEnum):
    """Whose turn it is."""

    RESOURCE = "resource"
    ADMIN = "admin"
    IT = "it"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Wording:
    """`title` is a heading without a full stop; `meaning` and `next_step` are sentences, `meaning` may be empty."""

    title: str
    meaning: str
    next_step: str
    actor: Actor


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


NOTHING = _("There is nothing to do for you.")
BY_ITSELF = _("We keep trying by ourselves. There is nothing to do for you.")
NO_LOSS = _("Nothing is lost: what waits is written as soon as it works again.")

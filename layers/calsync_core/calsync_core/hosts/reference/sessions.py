"""What the week page needs of a sign-in. Who signs people in, and how, is somebody else's; app.py is given it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Session(Protocol):
    """A signed-in member of staff."""

    @property
    def account(self) -> str:
        """The account the person works for."""
        ...


class SignIn(Protocol):
    """Reads who sent an HTTP API event (payload format 2.0), and guards forms against other sites."""

    def read_session(self, event: Mapping[str, Any], /) -> Session | None:
        """The session, or None if nobody is signed in."""
        ...

    def form_token(self, event: Mapping[str, Any], /) -> str:
        """A token for the forms of a page shown to this session."""
        ...

    def is_form_token(self, event: Mapping[str, Any], token: str, /) -> bool:
        """Whether the token was made for this session."""
        ...

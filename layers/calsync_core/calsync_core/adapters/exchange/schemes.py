"""The ways to sign in that a server offers, in the order in which we take them."""

from calsync_core.adapters.exchange.transport import Answer
from calsync_core.ports.exchange import Auth

Scheme = Auth
_KNOWN: tuple[tuple[str, Scheme], ...] = (("ntlm", "ntlm"), ("negotiate", "ntlm"), ("basic", "basic"))
# Negotiate takes NTLM inside; requests_ntlm answers it so


def offered(answer: Answer) -> list[str]:
    """The names of the offered schemes as the server writes them: `NTLM`, `Negotiate`, `Basic`, `Bearer`."""
    names = [one.strip().split(" ", 1)[0].rstrip(",") for one in answer.challenges if one.strip()]
    return list(dict.fromkeys(name for name in names if name))


def schemes_of(answer: Answer) -> list[Scheme]:
    """NTLM before Basic: the password itself does not go over the wire."""
    names = {name.lower() for name in offered(answer)}
    return list(dict.fromkeys(scheme for name, scheme in _KNOWN if name in names))

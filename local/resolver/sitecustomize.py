"""Names below `.localhost` are this machine (RFC 6761, section 6.3); Python's resolver does not know that everywhere.

Python imports a module of this name at its start. The launcher puts this folder on PYTHONPATH of the emulator (its
functions inherit it) and of the sandbox, so that both reach http://<api id>.execute-api.localhost without a proxy.
"""

import socket
from typing import Any

_ask_system = socket.getaddrinfo


def _getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    is_local = isinstance(name, str) and name.rstrip(".").lower().endswith(".localhost")
    return _ask_system("127.0.0.1" if is_local else host, *args, **kwargs)


socket.getaddrinfo = _getaddrinfo

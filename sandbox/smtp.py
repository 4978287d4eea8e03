"""SMTP on this machine: mails for people of the sandbox are taken in, others refused with 550.

A refusal comes after DATA, not after RCPT: only so its headers (the sender's message id) can be written down for
the one who must turn it into a bounce. Of several recipients the welcome ones get the mail.
"""

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.inboxes import Inboxes

SIZE_LIMIT = 20_000_000


class MailHandler:
    """What aiosmtpd asks about each mail. `has_inbox` tells whether an address belongs to somebody."""

    def __init__(self, inboxes: Inboxes, has_inbox: Callable[[str], bool], now: Callable[[], datetime]) -> None:
        self._inboxes = inboxes
        self._has_inbox = has_inbox
        self._now = now

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's name
        """Sort one mail into the inboxes."""
        content = envelope.content or b""
        source = content.decode("utf-8", errors="replace") if isinstance(content, bytes) else content
        sender = envelope.mail_from or ""
        refusals = []
        for recipient in envelope.rcpt_tos:
            reply = self._inboxes.refusal_for(recipient, self._has_inbox)
            if reply:
                self._inboxes.refuse(recipient, sender, source, self._now(), reply)
                refusals.append(reply)
            else:
                self._inboxes.accept(recipient, sender, source, self._now())
        if refusals and len(refusals) == len(envelope.rcpt_tos):
            return refusals[0]
        return "250 2.0.0 OK"


async def serve_smtp(handler: MailHandler, listener: socket.socket) -> asyncio.Server:
    """Take mail on a bound socket."""
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return SMTP(
            handler, loop=loop, data_size_limit=SIZE_LIMIT, hostname="mx.sandbox.localhost", enable_SMTPUTF8=True
        )

    return await loop.create_server(connection, sock=listener)

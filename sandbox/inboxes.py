"""The inboxes: mails that arrived by SMTP, per address, and the addresses that refused one."""

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage


@dataclass
class ReceivedMail:
    """One mail in one inbox; `source` is the message as it came."""

    id: int
    inbox: str
    sender: str
    subject: str
    received_at: datetime
    source: str
    is_read: bool = False
    complaint_id: int = 0
    """Drawn when the person reports the mail as junk; 0 until then."""

    @property
    def message(self) -> EmailMessage:
        """The parsed message."""
        parsed = email.message_from_string(self.source, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, subtype: str) -> str:
        """The text of the HTML or plain part; empty when there is none."""
        body = self.message.get_body((subtype,))
        return str(body.get_content()) if body is not None else ""


@dataclass
class RefusedMail:
    """A recipient that was refused with 550; ids rise, so that a reader can go on where he stood."""

    id: int
    recipient: str
    sender: str
    message_id: str
    at: datetime
    reply: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Inboxes:
    """All mails. An address accepts when somebody has it; `refused_addresses` refuse in any case."""

    mails: list[ReceivedMail] = field(default_factory=list)
    refused: list[RefusedMail] = field(default_factory=list)
    refused_addresses: set[str] = field(default_factory=set)
    accepts_unknown: bool = False
    next_id: int = 1

    def accept(self, recipient: str, sender: str, source: str, at: datetime) -> ReceivedMail:
        """Put a mail into an inbox."""
        parsed = email.message_from_string(source, policy=email.policy.default)
        subject = str(parsed.get("subject", ""))
        shown_sender = str(parsed.get("from", sender))
        mail = ReceivedMail(self._draw_id(), recipient.lower(), shown_sender, subject, at, source)
        self.mails.append(mail)
        return mail

    def refuse(self, recipient: str, sender: str, source: str, at: datetime, reply: str) -> RefusedMail:
        """Write down that a recipient was refused."""
        parsed = email.message_from_string(source, policy=email.policy.default)
        headers = {name: str(value) for name, value in parsed.items()}
        message_id = str(parsed.get("message-id", ""))
        refused = RefusedMail(self._draw_id(), recipient.lower(), sender, message_id, at, reply, headers)
        self.refused.append(refused)
        return refused

    def refusal_for(self, recipient: str, has_inbox: Callable[[str], bool]) -> str:
        """The 550 reply for a recipient; empty when the mail is welcome."""
        address = recipient.lower()
        if address in self.refused_addresses:
            return f"550 5.1.1 <{address}>: mailbox unavailable"
        if not self.accepts_unknown and not has_inbox(address):
            return f"550 5.1.1 <{address}>: user unknown"
        return ""

    def inbox(self, address: str) -> list[ReceivedMail]:
        """The mails of one address, newest first."""
        wanted = address.lower()
        return [mail for mail in reversed(self.mails) if mail.inbox == wanted]

    def mail(self, mail_id: int) -> ReceivedMail | None:
        """One mail by its id."""
        return next((mail for mail in self.mails if mail.id == mail_id), None)

    def report_junk(self, mail: ReceivedMail) -> None:
        """Note that the person calls a mail junk; once is enough."""
        if not mail.complaint_id:
            mail.complaint_id = self._draw_id()

    def _draw_id(self) -> int:
        drawn, self.next_id = self.next_id, self.next_id + 1
        return drawn

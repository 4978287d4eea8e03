"""Mail by SES v2: fields only, never a raw message, so that no value can add a header or a recipient.

A configuration set makes bounces and complaints come back. Reminders and the like carry List-Unsubscribe: the address
of the page that takes the one-click POST, made by `unsubscribe_url`, or without one the mailbox for answers.
"""

from collections.abc import Callable
from email.headerregistry import Address
from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.aws.errors import code_of, translate
from calsync_core.domain.errors import AppointmentRejectedError, InstallationError
from calsync_core.ports.outward import Mail

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# Of this mail, not of our set-up: the address cannot be right, or SES found something in it.
_REFUSED = frozenset({"BadRequestException", "MessageRejected"})


class SesMailer:
    """`sender` is an address; `sender_name` is the business as people know it."""

    def __init__(
        self,
        client: "SESV2Client",
        sender: str,
        *,
        sender_name: str = "",
        reply_to: str = "",
        configuration_set: str = "",
        unsubscribe_url: Callable[[Mail], str | None] = lambda _: None,
    ) -> None:
        self._client: Any = client
        self._has_sender = bool(sender)
        self._sender = formataddr((sender_name, sender)) if sender_name else sender
        self._reply_to = reply_to
        self._answers_to = reply_to or sender
        self._configuration_set = configuration_set
        self._unsubscribe_url = unsubscribe_url

    def send(self, mail: Mail) -> str:
        if not self._has_sender:  # a stack without MailSender works, but no mail leaves it
            raise InstallationError("mail_sender_missing", kind=mail.kind)
        _refuse_what_is_no_mail(mail)
        try:
            answer = self._client.send_email(**self._request(mail))
        except ClientError as error:
            if code_of(error) in _REFUSED:
                raise AppointmentRejectedError("mail_refused", kind=mail.kind, aws=code_of(error)) from None
            raise translate(error, "send_email") from None
        except BotoCoreError as error:
            raise translate(error, "send_email") from None
        return str(answer["MessageId"])

    def _request(self, mail: Mail) -> dict[str, Any]:
        content: dict[str, Any] = {
            "Subject": _text(mail.subject),
            "Body": {"Text": _text(mail.text), "Html": _text(mail.html)},
        }
        if mail.may_unsubscribe:
            content["Headers"] = self._unsubscribe_headers(mail)
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [mail.to]},
            "Content": {"Simple": content},
            "EmailTags": [{"Name": "kind", "Value": mail.kind}],
        }
        if self._reply_to:
            request["ReplyToAddresses"] = [self._reply_to]
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        return request

    def _unsubscribe_headers(self, mail: Mail) -> list[dict[str, str]]:
        url = self._unsubscribe_url(mail)
        if url is None:
            return [{"Name": "List-Unsubscribe", "Value": f"<mailto:{self._answers_to}?subject=unsubscribe>"}]
        return [
            {"Name": "List-Unsubscribe", "Value": f"<{url}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]


def _refuse_what_is_no_mail(mail: Mail) -> None:
    """One address, and no control characters where a header begins. Raises AppointmentRejectedError."""
    try:
        has_domain = bool(Address(addr_spec=mail.to).domain)
    except (ValueError, IndexError):
        has_domain = False
    if not has_domain:
        raise AppointmentRejectedError("mail_refused", kind=mail.kind[:20], field="to")
    for field, value in (("to", mail.to), ("subject", mail.subject), ("kind", mail.kind)):
        if not value or not value.isprintable():
            raise AppointmentRejectedError("mail_refused", kind=mail.kind[:20], field=field)


def _text(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}

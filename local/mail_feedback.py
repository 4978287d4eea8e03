"""What SES would say about each mail: the sandbox accepted or refused it, or its reader called it junk, so a delivery,
a bounce or a complaint is published.

The emulator relays mails by SMTP but fires no events of a configuration set. This thread reads at the sandbox what
became of each mail, and publishes the documented event to the deployed topic. Nothing else writes the delivery state:
from the topic on, all is the deployed stack.
"""

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from local.microsoft import Control, SandboxError

logger = logging.getLogger(__name__)
Publish = Callable[[str], None]


class MailFeedback:
    """Reads at the sandbox every half second; `seen` is the last id that was published, and survives restarts."""

    def __init__(self, control: Control, publish: Publish, seen: int, pause_seconds: float = 0.5) -> None:
        self.seen = seen
        self._control = control
        self._publish = publish
        self._pause = pause_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail-feedback", daemon=True)

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; what came in later is published after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def publish_new(self) -> int:
        """Publish what happened since `seen`, in its order; answers how many events that were."""
        events = sorted([*self._accepted(), *self._refused(), *self._complaints()], key=lambda event: event[0])
        for number, event in events:
            self._publish(json.dumps(event))
            self.seen = number
        return len(events)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            try:
                self.publish_new()
            except (RequestException, SandboxError, ClientError, BotoCoreError) as problem:
                # Both sides may be stopping; what was not published comes with the next round.
                logger.warning("mail feedback waits: %s", type(problem).__name__)

    def _accepted(self) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for head in self._control.call("GET", "/mail", since=self.seen)["mails"]:
            headers = self._control.call("GET", f"/mail/{head['id']}")["headers"]
            found.append((int(head["id"]), delivery(head["inbox"], headers, head["received_at"])))
        return found

    def _refused(self) -> list[tuple[int, dict[str, Any]]]:
        refused = self._control.call("GET", "/mail/refused", since=self.seen)["refused"]
        return [
            (int(mail["id"]), bounce(mail["recipient"], mail["headers"], mail["at"], mail["reply"])) for mail in refused
        ]

    def _complaints(self) -> list[tuple[int, dict[str, Any]]]:
        junk = self._control.call("GET", "/mail/complaints", since=self.seen)["complaints"]
        return [(int(mail["id"]), complaint(mail["recipient"], mail["headers"], mail["at"])) for mail in junk]


def delivery(recipient: str, headers: dict[str, str], at: str) -> dict[str, Any]:
    """SES's event for a mail that the receiving server took."""
    detail = {"timestamp": _stamp(at), "processingTimeMillis": 500, "recipients": [recipient], "smtpResponse": "250 OK"}
    return {"eventType": "Delivery", "mail": _mail(recipient, headers, at), "delivery": detail}


def bounce(recipient: str, headers: dict[str, str], at: str, reply: str) -> dict[str, Any]:
    """SES's event for a mail that the receiving server refused for good."""
    who = {"emailAddress": recipient, "action": "failed", "status": "5.1.1", "diagnosticCode": f"smtp; {reply}"}
    detail = {
        "bounceType": "Permanent",
        "bounceSubType": "NoEmail",
        "bouncedRecipients": [who],
        "timestamp": _stamp(at),
        "feedbackId": f"local-{_message_id(headers)}",
    }
    return {"eventType": "Bounce", "mail": _mail(recipient, headers, at), "bounce": detail}


def complaint(recipient: str, headers: dict[str, str], at: str) -> dict[str, Any]:
    """SES's event for a person who called the mail junk."""
    detail = {
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": _stamp(at),
        "feedbackId": f"local-{_message_id(headers)}",
        "complaintFeedbackType": "abuse",
    }
    return {"eventType": "Complaint", "mail": _mail(recipient, headers, at), "complaint": detail}


def _mail(recipient: str, headers: dict[str, str], at: str) -> dict[str, Any]:
    return {
        "timestamp": _stamp(at),
        "messageId": _message_id(headers),
        "source": headers.get("From", ""),
        "sendingAccountId": "000000000000",
        "destination": [recipient],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": {"subject": headers.get("Subject", ""), "to": [recipient]},
        "tags": {},
    }


def _message_id(headers: dict[str, str]) -> str:
    """The id that SendEmail answered: the emulator puts it into the header as it is."""
    found = next((value for name, value in headers.items() if name.lower() == "message-id"), "")
    return found.strip().removeprefix("<").removesuffix(">")


def _stamp(at: str) -> str:
    """SES writes milliseconds and Z."""
    instant = datetime.fromisoformat(at)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

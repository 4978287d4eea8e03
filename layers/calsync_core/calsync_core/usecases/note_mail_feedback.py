"""What became of a mail: delivered, bounced, complained. The only writer of those states."""

from datetime import datetime, timedelta
from enum import StrEnum

from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.resources import InvitationState
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import value
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Stores
from calsync_core.usecases.note_invitation_state import note_invitation_state

MAY_STILL_BE_NOTED = timedelta(minutes=5)


class MailNews(StrEnum):
    DELIVERED = "delivered"
    BOUNCED = "bounced"  # for good; a full mailbox is no bounce yet
    COMPLAINED = "complained"


_STATE = {
    MailNews.DELIVERED: InvitationState.DELIVERED,
    MailNews.BOUNCED: InvitationState.BOUNCED,
    MailNews.COMPLAINED: InvitationState.COMPLAINED,
}


@value(frozen=True, slots=True)
class MailFeedback:
    message_id: str
    news: MailNews
    sent_at: datetime


def note_mail_feedback(stores: Stores, clock: Clock, feedback: MailFeedback) -> bool:
    """True when it changed an invitation's state. A repeated or late event changes nothing.

    Raises ProviderUnavailableError("message_unknown") for a message of the last minutes that nobody noted yet: the
    event overtook the note and must come again.
    """
    found = stores.mails.by_message(feedback.message_id)
    now = clock.now()
    if found is None:
        if now - feedback.sent_at < MAY_STILL_BE_NOTED:
            raise ProviderUnavailableError("message_unknown")
        return False
    account, resource, invitation_id = found
    is_problem = feedback.news is not MailNews.DELIVERED
    stores.log.add(
        [LogEntry(account, resource, now, Reason.MAIL_STATE, code=feedback.news.value, is_problem=is_problem)]
    )
    if invitation_id is None:
        return False
    return note_invitation_state(stores, account, resource, invitation_id, _STATE[feedback.news])

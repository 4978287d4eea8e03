"""Whose calendar it is: shared calendars, permission levels, private items, impersonation, meetings and their mails."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from exchangelib import IMPERSONATION, Attendee, CalendarItem, Mailbox
from exchangelib.errors import ErrorAccessDenied, ErrorImpersonateUserDenied, ErrorNonExistentMailbox
from exchangelib.folders import Calendar

from tests.sandbox.ews_calendar import ANNA, BERT, INA, ROME, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.ews_client import account
from tests.sandbox.small_microsoft import Microsoft

ROOM = "room1@clinic.example"


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    with exchange_of(microsoft):
        yield


def share(microsoft: Microsoft, role: str) -> Calendar:
    """Anna's calendar as Bert sees it."""
    microsoft.control("POST", f"/people/{ANNA}/calendars/default/share", {"person": BERT, "role": role})
    return calendar_of(microsoft, ANNA, BERT)


def seen_in(calendar: Calendar) -> list[CalendarItem]:
    """A delegate's view: with complex fields exchangelib would fetch each item by way of the root."""
    fields = ("subject", "start", "sensitivity", "changekey")
    return list(calendar.view(start=at(0), end=at(0) + timedelta(days=1)).only(*fields))


def test_nothing_of_an_unshared_calendar_is_seen(microsoft: Microsoft) -> None:
    theirs = calendar_of(microsoft, ANNA, BERT)

    with pytest.raises(ErrorAccessDenied):
        in_view(theirs)
    with pytest.raises(ErrorAccessDenied):
        an_item(theirs).save()


def test_free_busy_rights_show_no_items(microsoft: Microsoft) -> None:
    with pytest.raises(ErrorAccessDenied):
        in_view(share(microsoft, "freeBusyRead"))


def test_a_delegate_has_no_root(microsoft: Microsoft) -> None:
    """Trap 12: account.calendar asks for the root first, which a delegate may not see."""
    share(microsoft, "write")

    with pytest.raises(ErrorAccessDenied):
        _ = account(microsoft, ANNA, BERT, default_timezone=ROME).calendar


def test_an_editor_reads_writes_and_syncs(microsoft: Microsoft) -> None:
    theirs = share(microsoft, "write")
    made = an_item(theirs, mark="m").save()

    made.subject = "changed"
    made.save(update_fields=["subject"])

    assert [item.subject for item in in_view(calendar_of(microsoft))] == ["changed"]
    assert [kind for kind, _ in theirs.sync_items(only_fields=["subject"])] == ["create"]
    made.delete()
    assert not in_view(calendar_of(microsoft))


def test_a_reviewer_reads_only(microsoft: Microsoft) -> None:
    an_item(calendar_of(microsoft)).save()
    (seen,) = seen_in(share(microsoft, "read"))

    seen.subject = "changed"
    with pytest.raises(ErrorAccessDenied):
        seen.save(update_fields=["subject"])
    with pytest.raises(ErrorAccessDenied):
        seen.delete()


def test_a_private_item_shows_a_delegate_its_time_only(microsoft: Microsoft) -> None:
    an_item(calendar_of(microsoft), subject="secret", location="secret", body="secret", sensitivity="Private").save()
    theirs = share(microsoft, "write")
    (seen,) = seen_in(theirs)
    (full,) = theirs.account.fetch([seen], folder=theirs)

    assert (full.subject, full.location, full.start, full.sensitivity) == (
        "Private Appointment",
        None,
        at(9),
        "Private",
    )
    assert "secret" not in (full.body or "")
    full.location = "mine"
    with pytest.raises(ErrorAccessDenied):
        full.save(update_fields=["location"])


def test_an_owner_by_permission_sees_private_items(microsoft: Microsoft) -> None:
    an_item(calendar_of(microsoft), subject="secret", sensitivity="Private").save()

    assert [item.subject for item in seen_in(share(microsoft, "owner"))] == ["secret"]


def test_impersonation_needs_the_right_and_acts_as_the_owner(microsoft: Microsoft) -> None:
    with pytest.raises(ErrorImpersonateUserDenied):
        in_view(calendar_of(microsoft, ANNA, INA, access_type=IMPERSONATION))

    microsoft.control("PATCH", f"/people/{INA}", {"exchange": {"may_impersonate": [ANNA]}})
    acting = calendar_of(microsoft, ANNA, INA, access_type=IMPERSONATION)
    an_item(acting, sensitivity="Private", subject="by service").save()

    assert [item.subject for item in in_view(acting)] == ["by service"]
    with pytest.raises(ErrorImpersonateUserDenied):
        in_view(calendar_of(microsoft, BERT, INA, access_type=IMPERSONATION))


def test_a_mailbox_that_is_not_on_this_server_does_not_exist(microsoft: Microsoft) -> None:
    with pytest.raises(ErrorNonExistentMailbox):
        in_view(calendar_of(microsoft, "tom@strict.example", ANNA))


# -- meetings


def attendees(*addresses: str) -> list[Attendee]:
    return [Attendee(mailbox=Mailbox(email_address=one), response_type="Unknown") for one in addresses]


def mails(microsoft: Microsoft) -> list[tuple[str, list[str]]]:
    """What Exchange would have mailed."""
    found: list[dict[str, Any]] = microsoft.control("GET", "/outbox")["mails"]
    return [(mail["kind"], [person["address"] for person in mail["to"]]) for mail in found]


def test_send_to_none_mails_nobody(microsoft: Microsoft) -> None:
    """Trap 10: who leaves the choice out mails customers; exchangelib's default is nobody."""
    calendar = calendar_of(microsoft)
    item = an_item(calendar, required_attendees=attendees(BERT, "someone@else.example")).save()
    item.subject = "changed"
    item.save(update_fields=["subject"])
    item.delete()

    assert mails(microsoft) == []
    assert not in_view(calendar_of(microsoft, BERT))


def test_a_meeting_reaches_the_attendees_calendar_and_their_answer_comes_back(microsoft: Microsoft) -> None:
    mine, theirs = calendar_of(microsoft), calendar_of(microsoft, BERT)
    made = an_item(mine, subject="Team", required_attendees=attendees(BERT)).save(
        send_meeting_invitations="SendToAllAndSaveCopy"
    )
    (copy,) = in_view(theirs)
    assert (copy.my_response_type, copy.legacy_free_busy_status, copy.is_meeting) == (
        "NoResponseReceived",
        "Tentative",
        True,
    )
    assert copy.uid == mine.get(id=made.id).uid

    copy.accept()

    assert [item.my_response_type for item in in_view(theirs)] == ["Accept"]
    assert [one.response_type for one in mine.get(id=made.id).required_attendees] == ["Accept"]
    assert mails(microsoft) == [("invitation", [BERT]), ("reply", [ANNA])]


def test_a_cancelled_meeting_stays_as_cancelled_and_free(microsoft: Microsoft) -> None:
    mine, theirs = calendar_of(microsoft), calendar_of(microsoft, BERT)
    made = an_item(mine, required_attendees=attendees(BERT)).save(send_meeting_invitations="SendOnlyToAll")

    made.delete(send_meeting_cancellations="SendToAllAndSaveCopy")

    (copy,) = in_view(theirs)
    assert (copy.is_cancelled, copy.legacy_free_busy_status) == (True, "Free")
    assert mails(microsoft)[-1] == ("cancellation", [BERT])


def test_a_declined_meeting_leaves_the_calendar(microsoft: Microsoft) -> None:
    mine, theirs = calendar_of(microsoft), calendar_of(microsoft, BERT)
    made = an_item(mine, required_attendees=attendees(BERT)).save(send_meeting_invitations="SendOnlyToAll")

    in_view(theirs)[0].decline()

    assert not in_view(theirs)
    assert [one.response_type for one in mine.get(id=made.id).required_attendees] == ["Decline"]


def test_the_organizer_cancels(microsoft: Microsoft) -> None:
    mine = calendar_of(microsoft)
    made = an_item(mine, required_attendees=attendees(BERT)).save(send_meeting_invitations="SendOnlyToAll")

    made.cancel()

    assert not in_view(mine)
    assert mails(microsoft)[-1][0] == "cancellation"

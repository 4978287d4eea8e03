"""Who is free among people who are not connected: the role account of the hospital, by /v1 and in the console."""

from collections.abc import Iterator
from datetime import date

import pytest

from local import exchange as demo_exchange
from local.cloud import TENANT_DOMAIN, LocalCloud
from local.people import HOSPITAL
from tests.e2e.clinic import Clinic, Json, Worker
from tests.e2e.exchange import ExchangeMailbox, trusting
from tests.e2e.outlook import at, clock_of

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True, scope="module")
def _role_account(cloud: LocalCloud) -> Iterator[None]:
    demo_exchange.connect_server(cloud)
    demo_exchange.connect_role_account(cloud)
    with trusting(cloud.microsoft.ca_file):
        yield


def doctor(clinic: Clinic, name: str, **exchange: str) -> ExchangeMailbox:
    """Somebody of the hospital, who has never heard of calsync."""
    facts = {"tenant": TENANT_DOMAIN, "mailbox_state": "no_rest", "exchange": exchange}
    email = clinic.move_in(name, domain=HOSPITAL, **facts)
    return ExchangeMailbox(clinic.cloud.microsoft.ews, email, clinic.cloud.state.password)


def asked(clinic: Clinic, day: date, *addresses: str) -> list[Json]:
    """The answers of the whole day, in the order of the addresses."""
    wish = {"addresses": list(addresses), "from": at(day, "00:00"), "to": at(day, "23:59")}
    return list(clinic.api.call("POST", "/free-busy", wish)["answers"])


def shown(answer: Json) -> list[str]:
    return [f"{clock_of(one['start'])}-{clock_of(one['end'])} {one['status']}" for one in answer["intervals"]]


def test_free_and_busy_of_people_who_are_not_connected(clinic: Clinic) -> None:
    day, gina, hidden = (
        clinic.day(),
        doctor(clinic, "Gina Holt"),
        doctor(clinic, "Ida Frost", free_busy_for_others="none"),
    )
    gina.create(day, "09:00", "10:30", "Board meeting")
    gina.create(day, "13:00", "14:00", "Ward round")
    hidden.create(day, "08:00", "09:00", "Night shift")
    nobody = f"nobody@{HOSPITAL}"

    first, second, third = asked(clinic, day, gina.email, hidden.email, nobody)

    assert shown(first) == ["09:00-10:30 busy", "13:00-14:00 busy"]
    assert (first["known"], first["source"], first["role_account"]) == (True, "role_account", demo_exchange.ROLE)
    assert shown(second) == ["08:00-09:00 busy"]
    assert (third["known"], third["reason"]) == (False, "mailbox_missing")
    assert [one["status"] for one in third["intervals"]] == ["unknown"], "an address without a mailbox is never free"
    assert not any(word in str([first, second]) for word in ("Board", "Ward", "Night"))


def test_availability_of_a_resource_that_is_not_connected(clinic: Clinic) -> None:
    """It follows the calendar as it is now, and a connected resource is answered from its connection alone."""
    day, gina = clinic.day(), doctor(clinic, "Greta Moor")
    meeting = gina.create(day, "09:00", "10:00", "Board meeting")
    worker = Worker(clinic, clinic.add_resource("Greta Moor", gina.email), gina.email)

    found = worker.availability(day)
    assert (found["known"], [one["name"] for one in found["sources"]]) == (True, ["role_account"])
    assert shown(found) == ["09:00-10:00 busy"]
    gina.move(meeting, day, "11:00", "12:00")
    assert shown(worker.availability(day)) == ["11:00-12:00 busy"]

    connected = clinic.hire("Lea Brook")
    [answer] = asked(clinic, day, connected.email)
    assert (answer["source"], answer["known"]) == ("connection", True)


def test_the_console_shows_it_and_what_it_answers_for(clinic: Clinic) -> None:
    page = clinic.admin.open("/connections").html
    row = next(part for part in page.split("<tr>") if demo_exchange.ROLE in part)
    assert HOSPITAL in row
    assert "Works" in row
    assert clinic.cloud.state.password not in page

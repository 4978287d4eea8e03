"""A connected calendar is paused, asked anew, set up otherwise, left and taken back."""

import pytest

from local.cloud import ADMIN_EMAIL
from local.journey import wait_for
from tests.e2e.clinic import Api, Clinic, Worker, spans, until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Vera Pohl")


def test_nothing_is_copied_while_paused_and_everything_after(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    paused = worker.pause()
    assert paused["status"]["state"] == "paused"
    worker.mailbox.create(day, "09:00", "10:00", "Lunch")
    booking = worker.book(day, "13:00", "14:00")["id"]
    assert worker.availability(day)["known"] is False  # nobody looks: what is not known is never free
    assert worker.availability(day)["intervals"][0]["status"] == "unknown"
    assert clinic.api.refused("POST", f"/resources/{worker.id}/sync") == (422, "not_connected")
    assert (worker.blocks(day), spans(worker.mailbox.events(day))) == ([], ["09:00-10:00"])
    worker.call("POST", "/resume")
    worker.wait_blocks(day, "09:00-10:00 busy")
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")
    assert worker.read()["status"]["state"] == "connected"
    assert clinic.api.refused("POST", f"/resources/{worker.id}/resume")[1] == "not_paused"
    wait_for("a mail about the pause", lambda: worker.person.mails("aused"))
    worker.cancel_booking(booking)


def test_sync_now_is_limited_to_one_a_minute(clinic: Clinic, worker: Worker) -> None:
    answers = [clinic.api.ask("POST", f"/resources/{worker.id}/sync").status_code for _ in range(3)]
    assert answers[0] == 202
    assert answers.count(429) >= 1  # a minute may begin between the first and the second


def test_the_person_pauses_and_goes_on_by_the_link_in_the_mail(clinic: Clinic, worker: Worker) -> None:
    link = wait_for("the result mail", lambda: worker.link_in_mail("/m/", "is connected"))
    browser = clinic.stranger()
    page = browser.open(link)
    assert "Connected" in page.html
    page = browser.send(page.form(action="/pause"))
    assert "Paused" in page.html
    assert worker.read()["status"]["state"] == "paused"
    page = browser.send(page.form(action="/resume"))
    worker.wait_state("connected")


def test_disconnecting_removes_copies_and_reconnecting_writes_them_once(clinic: Clinic) -> None:
    worker = clinic.hire("Willi Esch")
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Mine")
    worker.book(day, "13:00", "14:00")
    worker.wait_blocks(day, "09:00-10:00 busy")
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")

    left = worker.call("POST", "/disconnect", {"copies": "remove_copies"})
    assert left["status"]["state"] == "disconnected"
    worker.wait_events(day, "09:00-10:00")
    worker.wait_blocks(day)
    until("subscriptions", lambda: _subscriptions(clinic, worker), 0)
    worker.mailbox.create(day, "15:00", "16:00", "Unseen")
    assert clinic.api.refused("POST", f"/resources/{worker.id}/sync") == (422, "not_connected")

    worker.connect()
    worker.wait_blocks(day, "09:00-10:00 busy", "15:00-16:00 busy")
    worker.wait_events(day, "09:00-10:00", "13:00-14:00", "15:00-16:00")
    assert _subscriptions(clinic, worker) == 1


@pytest.mark.complaint(17)
def test_kept_copies_are_adopted_when_the_calendar_comes_back(clinic: Clinic) -> None:
    """What was left in the calendar and moved there meanwhile is found by its mark and brought into line."""
    worker = clinic.hire("Xenia Rau")
    first, second = clinic.day(), clinic.day()
    worker.mailbox.create(first, "09:00", "10:00", "Mine")
    worker.book(first, "13:00", "14:00")
    booking = worker.book(second, "13:00", "14:00")["id"]
    worker.wait_blocks(first, "09:00-10:00 busy")
    kept = worker.wait_events(first, "09:00-10:00", "13:00-14:00")[-1]["id"]
    moved = worker.wait_copy(second, "13:00", "14:00")["id"]

    link = wait_for("the result mail", lambda: worker.link_in_mail("/m/", "is connected"))
    browser = clinic.stranger()
    form = browser.open(f"{link}/disconnect").form(having="copies")
    assert browser.send(form).status == 422  # nothing is preselected
    browser.send(form, copies="keep", sure="yes")
    worker.wait_state("disconnected")
    until("subscriptions", lambda: _subscriptions(clinic, worker), 0)
    assert spans(worker.mailbox.events(first)) == ["09:00-10:00", "13:00-14:00"]
    assert len(worker.blocks(first)) == 1
    worker.rebook(booking, second, "15:00", "16:00")

    worker.connect()
    worker.wait_events(second, "15:00-16:00")
    worker.wait_events(first, "09:00-10:00", "13:00-14:00")
    worker.wait_blocks(first, "09:00-10:00 busy")
    assert worker.mailbox.events(first)[-1]["id"] == kept
    assert worker.mailbox.events(second)[-1]["id"] == moved


def test_an_admin_connects_his_own_calendar_without_a_mail(clinic: Clinic) -> None:
    owner = {"id": "administration", "name": "Administration", "email": ADMIN_EMAIL}
    resource = clinic.add_resource("Administration", ADMIN_EMAIL, owner=owner)
    admin = Worker(clinic, resource, ADMIN_EMAIL)
    before = len(admin.person.mails())
    page = clinic.admin.browser.send(clinic.admin.open(f"/resources/{resource}").form(action="/connect"))
    admin.person.browser = clinic.admin.browser
    admin.person.choose(admin.person.sign_in(page))
    admin.wait_state("connected")
    assert [mail for mail in admin.person.mails()[before:] if "connect your calendar" in mail["subject"]] == []
    day = clinic.day()
    admin.mailbox.create(day, "09:00", "10:00", "Mine")
    admin.wait_blocks(day, "09:00-10:00 busy")


def test_settings_say_what_they_do_not_take(clinic: Clinic, worker: Worker) -> None:
    path = f"/resources/{worker.id}/settings"

    def refused(**settings: object) -> tuple[int, str]:
        body = {"settings": {name.replace("__", "."): value for name, value in settings.items()}}
        return clinic.api.refused("PUT", path, body)

    before = worker.call("GET", "/settings")
    assert refused(window__weeks_ahead=0) == (422, "setting_out_of_range")
    assert refused(window__weeks_ahead="many") == (422, "setting_out_of_range")
    assert refused(direction="sideways") == (422, "setting_out_of_range")
    assert refused(no_such="x") == (422, "setting_unknown")
    assert refused(notes_format="rtf") == (422, "setting_out_of_range")
    assert clinic.api.refused("PUT", path, {"settings": {}, "setings": {}}) == (422, "field_unknown")
    assert clinic.api.refused("PUT", path, {"settings": {"active": False}, "version": 99}) == (409, "changed_meanwhile")
    assert worker.call("GET", "/settings") == before
    assert before["settings"]["direction"] == {"value": "two_way", "source": "built_in"}


def test_an_override_says_where_it_comes_from_and_can_be_taken_back(clinic: Clinic, worker: Worker) -> None:
    def tentative() -> dict[str, str]:
        return dict(worker.call("GET", "/settings")["settings"]["from_calendar.tentative"])

    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Perhaps", showAs="tentative")
    worker.wait_blocks(day, "09:00-10:00 tentative")
    done = worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": "ignore"}, "scope": "window"})
    assert done["effect"]["resources"] == 1
    assert tentative() == {"value": "ignore", "source": "resource"}
    worker.wait_blocks(day)
    worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": None}, "scope": "window"})
    assert tentative() == {"value": "block", "source": "built_in"}
    worker.wait_blocks(day, "09:00-10:00 tentative")


def test_one_direction_leaves_the_other_side_alone(clinic: Clinic) -> None:
    worker = clinic.hire("Yara Thiel")
    worker.set(direction="to_calendar")
    day = clinic.day()
    event = worker.mailbox.create(day, "09:00", "10:00", "Mine")["id"]
    worker.book(day, "13:00", "14:00")
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")
    assert worker.blocks(day) == []
    worker.mailbox.delete(event)


def test_the_api_answers_only_to_its_own_keys_and_ids(clinic: Clinic, worker: Worker) -> None:
    assert clinic.api.ask("GET", "/resources", key="").status_code == 401
    assert clinic.api.ask("GET", "/resources", key="x" * 43).json()["code"] == "key_unknown"
    assert clinic.api.refused("GET", "/resources/..%2Fanna")[0] == 404
    assert clinic.api.refused("GET", "/resources/nobody/log") == (404, "resource_unknown")
    assert clinic.api.refused("POST", "/conflicts/nothing/resolution", {"resolution": "keep_booking"})[0] == 404
    path = f"/resources/{worker.id}"
    assert (
        clinic.api.refused("GET", f"{path}/availability", **{"from": "now", "to": "later"})[1] == "instant_unreadable"
    )
    turned = {"from": "2026-12-02T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
    assert clinic.api.refused("GET", f"{path}/availability", **turned) == (422, "span_inverted")
    assert clinic.api.refused("POST", f"{path}/disconnect", {}) == (422, "input_invalid")
    form = clinic.admin.open("/connections").form(having="scope")
    page = clinic.admin.browser.send(form, name="Reads only", scope="read")
    reader = Api(clinic.api.url, page.html.split('name="api_key"')[1].split('value="')[1].split('"')[0])
    assert reader.ask("GET", path).status_code == 200
    assert reader.refused("POST", f"{path}/sync") == (403, "scope_missing")


def _subscriptions(clinic: Clinic, worker: Worker) -> int:
    return sum(one["mailbox"] == worker.email for one in clinic.control.call("GET", "/subscriptions"))

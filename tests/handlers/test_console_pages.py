"""The console's pages as a browser without scripts sees them: what stands on them and what each press does."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from calsync_core.domain.appointments import Customer, Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus
from calsync_core.domain.ids import BookingId, CalendarId, ConflictId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Agreed, Link, Origin, booking_ref
from calsync_core.domain.resources import Degraded, InvitationState, Progress, Status
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import StoredSettings
from calsync_core.usecases.manage_api_keys import find_api_key
from calsync_core.usecases.sync.keep_links import REVISIT

from tests.console_world import MAIN, NOW, Browser, World

ANNA = ResourceId("anna")


@pytest.fixture
def world() -> World:
    world = World()
    world.add_resource()
    world.connect()
    return world


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()


def _body(answer: dict[str, Any], status: int = 200) -> str:
    assert answer["statusCode"] == status, answer["body"]
    return str(answer["body"])


def _text(answer: dict[str, Any], status: int = 200) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", _body(answer, status)).split())


def _book(world: World) -> Link:
    when = Timed(NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    booking = world.system.book([ANNA], when, service_name="First visit", customer=Customer("M. Muster"))
    link = Link(booking_ref(booking), ANNA, Origin.HOST, CalendarId("cal"), when, when.start_at, when.end_at,
                booking_id=booking, entry_id=EntryId("copy"), host=Agreed("1", "t", "r"))  # fmt: skip
    return world.stores.links.put(MAIN, link)


# --- every page ------------------------------------------------------------------------------------------------------


class _Outline(HTMLParser):
    """What a page needs for everybody: labels, one heading, no inline code."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.headings = 0
        self.inline: list[str] = []
        self.tables = self.captions = 0
        self._in_label = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if "id" in facts:
            self.ids.append(facts["id"])
        if tag == "label":
            self.labelled.add(facts.get("for", ""))
            self._in_label = "for" not in facts
        if tag in ("select", "textarea") or (tag == "input" and facts.get("type") != "hidden"):
            self.fields.append({**facts, "inside": "yes" if self._in_label else ""})
        self.headings += tag == "h1"
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag == "style" or (tag == "script" and "src" not in facts):
            self.inline.append(tag)
        self.inline += [name for name in facts if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._in_label = False


PAGES = (
    "/console", "/console/invite", "/console/settings", "/console/conflicts", "/console/log", "/console/connections",
    "/console/resources/anna", "/console/resources/anna/settings", "/console/resources/anna/disconnect", "/signin",
    "/console/connections/servers/new", "/console/connections/mailboxes/mbx-anna/test",
    "/console/resources/anna/exchange",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_labelled_and_carry_nothing_inline(world: World, browser: Browser, page: str) -> None:
    world.add_resource("ben")
    _conflict(world)
    world.api_key()
    outline = _Outline()

    outline.feed(_body(browser.get(page)))

    assert outline.headings == 1
    assert outline.inline == []
    assert outline.tables == outline.captions
    assert len(outline.ids) == len(set(outline.ids)), "ids are unique"
    for field in outline.fields:
        assert field["inside"] or field.get("id") in outline.labelled or "aria-label" in field, field


@pytest.mark.parametrize("page", PAGES)
def test_no_word_from_the_engine_room(world: World, browser: Browser, page: str) -> None:
    _conflict(world)
    text = _text(browser.get(page)).lower()

    for word in ("delta", "token", "webhook", "tenant", "subscription", "mutation", "lambda", "dynamodb", "cursor"):
        assert word not in text


@pytest.mark.parametrize("page", PAGES)
def test_looking_changes_nothing(world: World, browser: Browser, page: str) -> None:
    before = world.state()

    for _ in range(3):
        browser.get(page)

    assert world.state() == before
    assert world.queue.wishes == []
    assert world.mailer.sent == []


# --- Overview --------------------------------------------------------------------------------------------------------


def test_who_needs_someone_stands_first_and_the_filter_is_an_address(world: World, browser: Browser) -> None:
    for name in ("ben", "zoe"):
        world.add_resource(name)
    world.connect("zoe", status=Status.REAUTH_REQUIRED, reason="auth_expired", since_at=NOW - timedelta(hours=3))

    page = _text(browser.get("/console"))
    only = _text(browser.get("/console?status=needs"))

    assert page.index("Zoe") < page.index("Anna") < page.index("Ben")
    assert "✗ Sign-in expired" in page
    assert "Zoe's turn" in page
    assert "since Mon 23 Nov 2026, 06:00" in page
    assert "Zoe" in only
    assert "Ben" not in only


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"status": Status.NOT_INVITED}, "○ Not invited"),
        ({"status": Status.AWAITING, "invitation": InvitationState.DELIVERED}, "◔ Awaiting confirmation"),
        ({"status": Status.AWAITING, "invitation": InvitationState.BOUNCED}, "✉✗ Mail not delivered"),
        ({"status": Status.IMPORTING, "progress": Progress(True, 420, 1000)}, "▶ Importing 42 %"),
        ({"status": Status.IMPORTING}, "▶ Importing"),
        ({"status": Status.CONNECTED}, "● Connected"),
        ({"degraded": Degraded("throttled", NOW)}, "◐ Connected, with problems"),
        ({"status": Status.REAUTH_REQUIRED}, "✗ Sign-in expired"),
        ({"status": Status.PAUSED}, "‖ Paused"),
        ({"status": Status.DISCONNECTED}, "– Disconnected"),
    ],
)
def test_each_status_has_symbol_and_word(fields: dict[str, object], shown: str) -> None:
    world = World()
    world.add_resource()
    world.connect(**fields)

    assert shown in _text(world.browser().get("/console"))
    assert shown in _text(world.browser().get("/console/resources/anna"))


def test_an_empty_account_shows_three_steps_and_loads_on_a_press() -> None:
    world = World()
    browser = world.browser()
    world.system.add_resource("anna")
    assert "Three steps to the first calendar" in _text(browser.get("/console"))

    answer = browser.post("/console/refresh")

    assert answer["headers"]["location"] == "/console?done=refreshed"
    assert "Anna" in _text(browser.get("/console?done=refreshed"))


def test_names_are_escaped_and_a_spreadsheet_runs_nothing(world: World, browser: Browser) -> None:
    world.add_resource("evil", owner=replace(world.system.resources[ANNA].owner, id="p-e"), name='=cmd()"<script>')

    page, table = _body(browser.get("/console")), _body(browser.get("/console/export.csv"))

    assert "<script>" not in page.replace('<script src="', "")
    assert '"\'=cmd()""<script>"' in table


def test_words_from_an_address_never_appear(browser: Browser) -> None:
    page = _body(browser.get("/console?done=%3Cb%3Ehello&trouble=nothing-we-know&status=zzz&page=9999"))

    assert "hello" not in page
    assert "nothing-we-know" not in page


# --- inviting --------------------------------------------------------------------------------------------------------


def test_the_first_invitation_needs_the_agreement(world: World, browser: Browser) -> None:
    world.add_resource("ben")

    refused = browser.post("/console/invite", {"resource": "ben", "message": "See you"})
    sent = browser.post("/console/invite", {"resource": "ben", "message": "See you", "agree": "yes"})

    assert "privacy text" in _text(refused, 422)
    assert "See you" in refused["body"]
    assert sent["headers"]["location"] == "/console?done=sent"
    assert world.state("ben").invitation is InvitationState.SENT
    assert [mail.to for mail in world.mailer.sent] == ["ben@clinic.example"]
    agreement = world.stores.journeys.agreements(MAIN)[0]
    assert (agreement.role, agreement.text_version) == ("admin", "1")
    assert 'name="agree"' not in _body(browser.get("/console/invite"))


def test_several_are_invited_and_one_refusal_stops_nobody(world: World, browser: Browser) -> None:
    for name in ("ben", "cem"):
        world.add_resource(name)
    world.add_resource("dora", email="", owner=replace(world.system.resources[ANNA].owner, email="no address"))

    answer = browser.post("/console/invite", {"resource": ["ben", "dora", "cem"], "agree": "yes"})

    text = _text(answer)
    assert text.count("On its way") == 2
    assert "Not sent" in text
    assert [mail.to for mail in world.mailer.sent] == ["ben@clinic.example", "cem@clinic.example"]


def test_nobody_chosen_is_said(browser: Browser) -> None:
    assert "Nobody is chosen" in _text(browser.post("/console/invite", {"agree": "yes"}), 422)


def test_send_again_copy_link_and_withdraw(world: World, browser: Browser) -> None:
    world.add_resource("ben")
    browser.post("/console/invite", {"resource": "ben", "agree": "yes"})

    soon = browser.post("/console/resources/ben/send-again")
    link = _body(browser.post("/console/resources/ben/copy-link"))
    withdrawn = browser.post("/console/resources/ben/withdraw")

    assert "less than an hour ago" in _text(soon, 429)
    assert re.search(r'value="https://calsync.example/i/[^"]+"', link)
    assert withdrawn["headers"]["location"].endswith("done=withdrawn")
    assert world.state("ben").status is Status.NOT_INVITED


# --- one resource ----------------------------------------------------------------------------------------------------


def test_sync_now_is_one_wish_a_minute(world: World, browser: Browser) -> None:
    first = browser.post("/console/resources/anna/sync")
    second = browser.post("/console/resources/anna/sync")

    assert first["headers"]["location"] == "/console/resources/anna?done=syncing"
    assert "less than a minute ago" in _text(second, 429)
    assert world.queue.wishes == [Wish(MAIN, ANNA, "button")]


def test_pause_until_a_day_and_resume(world: World, browser: Browser) -> None:
    browser.post("/console/resources/anna/pause", {"until": "2026-12-03"})

    state = world.state()
    assert (state.status, state.paused_by) == (Status.PAUSED, "A. Braun")
    assert f"{state.paused_until_at:%Y-%m-%dT%H:%M}" == "2026-12-02T23:00"  # midnight in Berlin
    assert "by A. Braun, until 3 December 2026" in _text(browser.get("/console/resources/anna"))

    browser.post("/console/resources/anna/resume")
    assert world.state().status is Status.CONNECTED


def test_a_day_that_is_none_pauses_nothing(world: World, browser: Browser) -> None:
    answer = browser.post("/console/resources/anna/pause", {"until": "someday"})

    assert answer["statusCode"] == 422
    assert world.state().status is Status.CONNECTED


def test_disconnect_tells_numbers_and_needs_the_second_press(world: World, browser: Browser) -> None:
    _book(world)
    asked = _text(browser.get("/console/resources/anna/disconnect"))
    assert "1 copied bookings in the calendar, 0 blocked times in the booking system" in asked

    once = browser.post("/console/resources/anna/disconnect", {"copies": "remove_copies"})
    assert "second press" in _text(once, 422)
    assert world.state().status is Status.CONNECTED

    twice = browser.post("/console/resources/anna/disconnect", {"copies": "keep_copies", "sure": "yes"})
    assert twice["headers"]["location"] == "/console/resources/anna?done=disconnected"
    assert (world.state().status, world.state().reason) == (Status.DISCONNECTED, "keep_copies")


@pytest.mark.parametrize("wish", ["remove_copies", "keep_copies"])
@pytest.mark.parametrize("whose", ["account", "resource"])
def test_the_setting_says_what_is_proposed_at_the_end(world: World, browser: Browser, wish: str, whose: str) -> None:
    other = {"remove_copies": "keep_copies", "keep_copies": "remove_copies"}[wish]
    own = whose == "resource"
    world.stores.settings.save_account(MAIN, StoredSettings({"on_disconnect": other if own else wish}))
    if own:
        world.stores.settings.save_resource(MAIN, ANNA, StoredSettings({"on_disconnect": wish}))

    page = str(browser.get("/console/resources/anna/disconnect")["body"])

    assert re.findall(r'name="copies" value="(\w+)"[^>]* checked', page) == [wish]


def test_connecting_a_calendar_of_ones_own_leads_to_microsoft(world: World, browser: Browser) -> None:
    world.add_resource("ben")

    page = browser.get("/console/resources/ben")
    answer = browser.post("/console/resources/ben/connect")

    assert "form-action 'self' https:" in page["headers"]["content-security-policy"]
    assert answer["headers"]["location"].startswith("https://login.example/authorize?state=")
    assert "__Host-calsync-visit" in browser.cookies


def test_a_stop_line_is_confirmed_or_the_copies_are_written_again(world: World, browser: Browser) -> None:
    link = _book(world)
    world.stores.resources.save(replace(world.state(), degraded=Degraded("stop_line", NOW)))
    world.stores.links.set_leaving(MAIN, ANNA, "cal", [link.ref])
    assert "1 booking that is gone from the calendar" in _text(browser.get("/console/resources/anna"))

    browser.post("/console/resources/anna/stop-line", {"what": "restore"})

    assert world.stores.links.get(MAIN, ANNA, [link.ref])[link.ref].decision is Origin.HOST
    assert world.stores.links.leaving(MAIN, ANNA, REVISIT) == [link.ref]
    assert world.stores.links.leaving(MAIN, ANNA, "cal") == []
    assert world.state().degraded is None

    world.stores.resources.save(replace(world.state(), degraded=Degraded("stop_line", NOW)))
    browser.post("/console/resources/anna/stop-line", {"what": "confirm"})
    assert world.state().is_stop_line_confirmed
    assert world.queue.wishes == [Wish(MAIN, ANNA, "button")] * 2


# --- settings --------------------------------------------------------------------------------------------------------


def test_check_effect_shows_numbers_and_stores_nothing(world: World, browser: Browser) -> None:
    _book(world)
    form = {"set.to_calendar.privacy": "anonymous", "scope": "window", "version": "0"}

    checked = _text(browser.post("/console/settings", {**form, "action": "check"}))

    assert "1 person or room follows" in checked
    assert "The calendar of 1 person or room could not be read now" in checked
    assert "By what was known last, 1 entry or block is concerned." in checked
    assert "Nothing was written for this." in checked
    assert world.stores.settings.account(MAIN).values == {}

    saved = browser.post("/console/settings", {**form, "action": "save"})
    assert saved["headers"]["location"] == "/console/settings?done=saved"
    assert world.stores.settings.account(MAIN).values == {"to_calendar.privacy": "anonymous"}
    assert world.queue.wishes == [Wish(MAIN, ANNA, "full")]


def test_own_values_say_so_and_go_back_to_the_default(world: World, browser: Browser) -> None:
    browser.post("/console/resources/anna/settings", {"set.window.weeks_ahead": "26", "action": "save", "version": "0"})
    page = _text(browser.get("/console/resources/anna/settings"))
    assert "Changed here (default: 52)" in page
    assert "1 setting is changed here" in _text(browser.get("/console/resources/anna"))
    assert "1 with values of its own" in _text(browser.get("/console/settings"))

    pressed = browser.post("/console/resources/anna/settings", {**_AS_IT_STANDS, "reset": "set.window.weeks_ahead"})

    assert "Weeks ahead: 26 → 52" in _text(pressed)
    assert "again, once it is saved" in _text(pressed)
    assert 'name="given_back" value="set.window.weeks_ahead"' in _body(pressed)
    assert world.stores.settings.resource(MAIN, ANNA).values == {"window.weeks_ahead": 26}, "nothing is saved yet"
    back = {"set.window.weeks_ahead": "52", "given_back": "set.window.weeks_ahead", "action": "save", "version": "1"}
    browser.post("/console/resources/anna/settings", back)
    assert world.stores.settings.resource(MAIN, ANNA).values == {}


_AS_IT_STANDS = {"set.window.weeks_ahead": "26", "version": "1"}


def test_what_is_entered_after_going_back_to_the_default_counts(world: World, browser: Browser) -> None:
    browser.post("/console/resources/anna/settings", {"set.window.weeks_ahead": "26", "action": "save", "version": "0"})
    edited = {"set.window.weeks_ahead": "30", "given_back": "set.window.weeks_ahead", "action": "save", "version": "1"}

    browser.post("/console/resources/anna/settings", edited)

    assert world.stores.settings.resource(MAIN, ANNA).values == {"window.weeks_ahead": 30}


def test_all_own_values_go_at_once_after_they_were_listed(world: World, browser: Browser) -> None:
    form = {"set.window.weeks_ahead": "26", "set.direction": "to_calendar", "action": "save", "version": "0"}
    browser.post("/console/resources/anna/settings", form)

    listed = browser.post("/console/resources/anna/settings", {"reset": "all", "version": "1"})

    assert "Direction: bookings to the calendar only → both ways" in _text(listed)
    assert "Weeks ahead: 26 → 52" in _text(listed)
    assert len(world.stores.settings.resource(MAIN, ANNA).values) == 2
    names = re.findall(r'name="given_back" value="([^"]+)"', _body(listed))
    save = {"given_back": names, "action": "save", "version": "1"}
    browser.post("/console/resources/anna/settings", save)
    assert world.stores.settings.resource(MAIN, ANNA).values == {}


def test_going_back_to_a_default_that_shows_more_is_asked_like_any_other_change(world: World, browser: Browser) -> None:
    """Story: one click on "Use default again" showed all details in the calendar, and nothing had said so before."""
    private = {"set.to_calendar.privacy": "anonymous", "action": "save", "version": "0"}
    browser.post("/console/resources/anna/settings", private)

    back = {"given_back": "set.to_calendar.privacy", "action": "save", "version": "1"}
    asked = browser.post("/console/resources/anna/settings", back)

    assert "More is shown than before" in _text(asked)
    assert "Show as (Bookings to the calendar): only “Busy” → details" in _text(asked)
    assert world.stores.settings.resource(MAIN, ANNA).values == {"to_calendar.privacy": "anonymous"}
    browser.post("/console/resources/anna/settings", {**back, "confirmed": "yes"})
    assert world.stores.settings.resource(MAIN, ANNA).values == {}


def test_a_wrong_value_loses_nothing_that_was_entered(world: World, browser: Browser) -> None:
    form = {
        "set.window.weeks_ahead": "9999", "set.to_calendar.title": "{customer}!", "set.direction": "to_calendar",
        "set.from_calendar.exclude/subjects": "lunch", "action": "check", "version": "0",
    }  # fmt: skip

    answer = browser.post("/console/settings", form)

    page, text = _body(answer, 422), _text(answer, 422)
    assert "Weeks ahead: This value is not possible for the setting" in text
    assert "Enter a whole number from 1 to 156." in text
    for kept in ('value="9999"', 'value="{customer}!"', '<option value="to_calendar" selected>', ">lunch</textarea>"):
        assert kept in page


def test_a_form_that_somebody_overtook_is_refused(world: World, browser: Browser) -> None:
    form = {"set.direction": "to_calendar", "action": "save", "version": "0"}
    browser.post("/console/settings", form)

    answer = browser.post("/console/settings", {**form, "set.direction": "from_calendar"})

    assert "at the same moment" in _text(answer, 409)
    assert world.stores.settings.account(MAIN).values == {"direction": "to_calendar"}


@pytest.mark.parametrize("value", ["157", "-1", "many", ""])
def test_a_value_out_of_range_is_marked_at_its_field(world: World, browser: Browser, value: str) -> None:
    answer = browser.post("/console/settings", {"set.window.weeks_ahead": value, "action": "save"})

    page = _body(answer, 422)
    assert 'href="#set.window.weeks_ahead"' in page
    assert 'aria-invalid="true"' in page
    assert world.stores.settings.account(MAIN).values == {}


def test_no_detail_at_all_can_be_chosen(world: World, browser: Browser) -> None:
    browser.post("/console/settings", {"set.to_calendar.fields": "", "action": "save", "version": "0"})

    assert world.stores.settings.account(MAIN).values == {"to_calendar.fields": []}


# --- conflicts, log, connections -------------------------------------------------------------------------------------


def _conflict(world: World) -> Conflict:
    link = _book(world)
    conflict = Conflict(
        ConflictId("c-1"), MAIN, ANNA, ConflictKind.SAME_TIME, link.ref, link.booking_id, LinkRef("e-1"),
        EntryId("own"), link.when, Timed(NOW + timedelta(hours=1.5), NOW + timedelta(hours=2.5)), NOW,
    )  # fmt: skip
    world.stores.conflicts.save(conflict)
    return conflict


def test_a_conflict_shows_both_versions_and_nothing_is_preselected(world: World, browser: Browser) -> None:
    _conflict(world)

    page = browser.get("/console/conflicts")

    text = _text(page)
    assert "“First visit - M. Muster” Mon 23 Nov 2026, 10:00-11:00" in text
    assert "Private entry Mon 23 Nov 2026, 10:30-11:30" in text
    assert "checked" not in page["body"]
    assert "Conflicts (1)" in text


def test_a_conflict_is_shown_without_its_title_when_the_booking_system_is_away(world: World, browser: Browser) -> None:
    conflict = _conflict(world)
    world.stores.conflicts.save(replace(conflict, booking_id=BookingId("unknown")))

    assert "Mon 23 Nov 2026, 10:00-11:00" in _text(browser.get("/console/conflicts"))


def test_a_choice_is_required_and_the_revision_must_hold(world: World, browser: Browser) -> None:
    _conflict(world)

    nothing = browser.post("/console/conflicts/c-1", {"revision": "1"})
    stale = browser.post("/console/conflicts/c-1", {"resolution": "keep_booking", "revision": "7"})
    done = browser.post("/console/conflicts/c-1", {"resolution": "leave_both", "revision": "1", "until": "2026-11-30"})

    assert "Nothing was chosen" in _text(nothing, 422)
    assert "changed while you were looking" in _text(stale, 409)
    assert done["headers"]["location"] == "/console/conflicts?done=left"
    stored = world.stores.conflicts.get(MAIN, ConflictId("c-1"))
    assert stored is not None
    assert (stored.status, f"{stored.left_until_at:%Y-%m-%dT%H:%M}") == (ConflictStatus.LEFT, "2026-11-30T22:59")
    assert "No open conflicts" in _text(browser.get("/console/conflicts"))


def _deleted_copies(world: World, count: int) -> None:
    """Newest first, as they are opened: the last day first."""
    link = _book(world)
    for number in reversed(range(count)):
        when = Timed(NOW + timedelta(days=number, hours=1), NOW + timedelta(days=number, hours=2))
        one = Conflict(
            ConflictId(f"d-{number}"), MAIN, ANNA, ConflictKind.COPY_DELETED, link.ref, link.booking_id, None, None,
            when, None, NOW,
        )  # fmt: skip
        world.stores.conflicts.save(one)


def test_the_next_appointment_comes_first(world: World, browser: Browser) -> None:
    _deleted_copies(world, 4)

    for page in ("/console/conflicts", "/console/resources/anna"):
        days = re.findall(r"(\d+) Nov 2026, 10:00-11:00", _text(browser.get(page)))
        assert days == ["23", "24", "25", "26"], page


def test_a_wrong_choice_is_said_at_its_conflict_and_stays_chosen(world: World, browser: Browser) -> None:
    _deleted_copies(world, 2)

    answer = browser.post(
        "/console/conflicts/d-1", {"resolution": "leave_both", "revision": "1", "until": "2020-01-01"}
    )

    page = _body(answer, 422)
    assert 'href="#c-d-1"' in page
    first, second = page.split('aria-labelledby="c-d-1"')
    assert page.count('role="alert"') == second.count('role="alert"') == 1
    assert (first.count(" checked"), second.count(" checked")) == (0, 1)
    stale = _body(browser.post("/console/conflicts/d-1", {"resolution": "keep_booking", "revision": "9"}), 409)
    assert " checked" not in stale, "of a conflict that changed nothing is preselected"


def test_a_decision_leads_back_to_the_list_that_it_came_from(world: World, browser: Browser) -> None:
    _deleted_copies(world, 1)
    assert 'name="resource" value="anna"' in _body(browser.get("/console/conflicts?resource=anna"))

    done = browser.post("/console/conflicts/d-0", {"resolution": "keep_booking", "revision": "1", "resource": "anna"})

    assert done["headers"]["location"] == "/console/conflicts?resource=anna&done=resolved"


def test_many_conflicts_of_one_kind_are_settled_by_one_press(world: World, browser: Browser) -> None:
    """Story: somebody emptied his calendar, and 32 bookings had to be written again by 64 clicks."""
    _deleted_copies(world, 4)
    page = _body(browser.get("/console/conflicts"))
    assert "Settle 4 at once" in page
    assert "Cancel the booking" not in page.split("<article")[0], "nothing is taken from anybody for many at once"

    nothing = browser.post("/console/conflicts", {"kind": "copy_deleted"})
    cancel = browser.post("/console/conflicts", {"kind": "copy_deleted", "resolution": "take_calendar"})
    every_kind = browser.post("/console/conflicts", {"resolution": "keep_booking"})
    assert [one["statusCode"] for one in (nothing, cancel, every_kind)] == [422, 422, 422]
    assert len(world.stores.conflicts.open(MAIN)) == 4
    until = {"kind": "copy_deleted", "resolution": "leave_both", "until": "2026-11-30"}
    done = browser.post("/console/conflicts", until)

    assert done["headers"]["location"] == "/console/conflicts?kind=copy_deleted&done=left"
    assert world.stores.conflicts.open(MAIN) == []
    assert world.browser(role="viewer").post("/console/conflicts", until)["statusCode"] == 403


def test_the_log_names_what_happened_and_by_which_rule(world: World, browser: Browser) -> None:
    browser.post("/console/resources/anna/pause")

    day = _text(browser.get("/console/log"))
    other_day = _text(browser.get("/console/log?day=2026-11-22"))
    table = _body(browser.get("/console/log.csv?resource=anna"))

    assert "The state changed" in day
    assert "Nothing is noted" in other_day
    assert "2026-11-23T08:00:00Z" in table


def test_a_key_is_shown_once_works_and_is_revoked(world: World, browser: Browser) -> None:
    page = _body(browser.post("/console/connections/keys", {"name": "Booking system", "scope": "write"}))

    found = re.search(r'name="api_key" readonly size="50" value="(cs_[^"]+)"', page)
    assert found
    assert world.api("GET", "/v1/resources", key=found[1])[0] == 200
    assert found[1] not in _body(browser.get("/console/connections"))
    key = find_api_key(world.stores.access, found[1])
    assert key is not None
    assert (key.account, key.scope) == (MAIN, "write")

    browser.post(f"/console/connections/keys/{key.id}/revoke")
    assert world.api("GET", "/v1/resources", key=found[1])[0] == 401


def test_a_key_without_a_name_is_not_made(world: World, browser: Browser) -> None:
    answer = browser.post("/console/connections/keys", {"name": " ", "scope": "write"})

    assert "The key has no name" in _text(answer, 422)
    assert world.stores.access.api_keys(MAIN) == []


def test_what_the_deployment_lacks_is_said(world: World) -> None:
    missing = replace(world.parts.deployment, has_entra_client=False, has_entra_secret=False, entra_client_id="")
    world.parts = replace(world.parts, deployment=missing)
    world.rebuild()
    browser = world.browser()

    assert "The connection to Microsoft is not set up yet" in _text(browser.get("/console"))
    assert "Mail is not set up yet" not in _text(browser.get("/console"))
    assert "Not registered" in _text(browser.get("/console/connections"))


def test_a_stack_without_a_sender_says_that_no_mail_can_leave(world: World) -> None:
    world.parts = replace(world.parts, deployment=replace(world.parts.deployment, mail_sender=""))
    world.rebuild()
    browser = world.browser()

    assert "Mail is not set up yet" in _text(browser.get("/console"))
    assert "no mail can leave" in _text(browser.get("/console/connections"))

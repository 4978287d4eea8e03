"""The week page as a browser without scripts sees it."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from calsync_core.hosts import reference
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.messages import BookingChange, parse
from calsync_core.hosts.reference.week import lay_out

from tests.reference_host import Answered, Web, booked

WEEK = "/bookings?resource=anna&week=2026-11-23"
VOID = {"input", "meta", "link", "br", "hr", "img", "option"}


@dataclass
class Read(HTMLParser):
    """What a page says: its words, links, form fields and how its elements nest."""

    words: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    described: set[str] = field(default_factory=set)
    forms: list[dict[str, str]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.select = self.area = ""

    @classmethod
    def of(cls, answer: Answered) -> "Read":
        page = cls()
        page.feed(answer.text)
        page.close()
        assert page.open == [], f"left open: {page.open}"
        return page

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag in {"script", "style"} else []
        self.ids += [found["id"]] if "id" in found else []
        self.described |= set(found.get("aria-describedby", "").split())
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "form":
            self.forms.append({"method": found.get("method", "get"), "action": found.get("action", ""), "csrf": ""})
        if tag == "input" and "name" in found:
            self._input(found)
        if tag == "label":
            self.labelled.add(found.get("for", ""))
        if tag == "select":
            self.select = found["name"]
        if tag == "option" and "selected" in found and self.select:
            self.fields[self.select] = found.get("value", "")
        if tag == "textarea":
            self.area = found["name"]
            self.fields[self.area] = ""

    def _input(self, found: dict[str, str]) -> None:
        if found["name"] == "csrf":
            self.forms[-1]["csrf"] = found["value"]
        elif found.get("type") != "checkbox" or "checked" in found:
            self.fields[found["name"]] = found.get("value", "on")
        if found.get("type") not in {"hidden", "checkbox"}:
            assert found["id"] in self.labelled, f"{found['name']} has no label"

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        self.select = "" if tag == "select" else self.select
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.area:
            self.fields[self.area] += data


def all_pages(web: Web, booking_id: str) -> dict[str, Answered]:
    paths = ["/bookings", WEEK, "/bookings/new?resource=anna", f"/bookings/b/{booking_id}", "/bookings/resources"]
    paths += [f"/bookings/b/{booking_id}/cancel", "/bookings/resources/new", "/bookings/resources/anna"]
    return {path: web.page(path) for path in paths}


class TestEveryPage:
    def test_is_sound_html_under_a_strict_policy_with_tokens_in_its_forms(self, web: Web, system: System) -> None:
        booking = booked(
            system, "09:00", "10:00", title="<script>alert(1)</script>", series={"rrule": "FREQ=WEEKLY;COUNT=2"}
        )
        for path, answer in all_pages(web, booking.id).items():
            page = Read.of(answer)

            assert answer.status == 200, path
            assert "script-src" not in answer.headers["content-security-policy"]
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.headers["cache-control"] == "no-store"
            assert page.inline == []
            assert len(page.ids) == len(set(page.ids)), path
            assert page.described <= set(page.ids)
            assert all(form["csrf"] for form in page.forms if form["method"] == "post")
            assert answer.text.count("<h1") == 1
            assert '<html lang="en">' in answer.text

    def test_looking_changes_nothing(self, web: Web, system: System, client: object) -> None:
        booking = booked(system, "09:00", "10:00")
        client.calls.clear()  # type: ignore[attr-defined]

        all_pages(web, booking.id)

        assert set(client.calls) <= {"query", "get_item", "batch_get_item"}  # type: ignore[attr-defined]

    def test_the_signed_out_are_sent_to_sign_in_by_fixed_words(self, web: Web) -> None:
        for path in ("/bookings?next=https://evil.example", "/bookings/b/x", "/bookings/resources"):
            answer = web.page(path, cookie="")
            assert (answer.status, answer.headers["location"]) == (303, "https://calsync.example/signin?next=bookings")
        assert web.post("/bookings/new", {}, cookie="").status == 303

    def test_people_of_another_account_see_nothing(self, web: Web, system: System) -> None:
        booking = booked(system, "09:00", "10:00", title="Secret")

        for path in ("/bookings", f"/bookings/b/{booking.id}"):
            answer = web.page(path, cookie="session=stranger")
            assert answer.status == 403
            assert "Secret" not in answer.text

    @pytest.mark.parametrize("path", ["/bookings?resource=nobody", "/bookings/b/nobody", "/bookings/resources/nobody"])
    def test_what_does_not_exist_is_said_so(self, web: Web, path: str) -> None:
        answer = web.page(path)

        assert answer.status == 404
        assert "does not exist" in Read.of(answer).text

    def test_the_style_sheet_is_small_and_public(self, web: Web) -> None:
        answer = web.page("/bookings/week.css", cookie="")

        assert answer.headers["content-type"].startswith("text/css")
        assert len(answer.text.encode()) <= 3584

    def test_every_class_of_the_grid_has_its_rule(self, web: Web) -> None:
        css = web.page("/bookings/week.css").text
        rules = {f"h{n}" for n in range(1, 24)} | {f"d{n}" for n in range(1, 25)}
        rules |= {f"{kind}{n}" for kind in "me" for n in range(1, 12)} | {"w2", "w3", "w4", "c1", "c2", "c3"}

        assert all(f".{rule}{{" in css for rule in rules)


class TestWeek:
    def test_bookings_and_busy_times_are_shown_where_they_stand(self, web: Web, system: System) -> None:
        booking = booked(system, "09:00", "09:45", title="Check-up", customer={"name": "Maria Muster"})
        block = {"resource_id": "anna", "start": "2026-11-24T11:00:00Z", "end": "2026-11-24T12:00:00Z"}
        web("PUT", "/host/blocks/b1", block | {"origin": {"system": "calsync", "ref": "b1"}})

        answer = web.page(WEEK)
        page = Read.of(answer)

        assert "09:00 –09:45 Maria Muster · Check-up" in page.text
        assert "12:00 –13:00 Busy" in page.text
        assert f"/bookings/b/{booking.id}" in page.links
        assert 'class="entry confirmed h0 m0 d0 e9"' in answer.text
        assert not any(link.endswith("/b1") for link in page.links)

    def test_the_next_week_is_another(self, web: Web, system: System) -> None:
        booked(system, "09:00", "09:45", title="Check-up")

        assert "Check-up" not in web.page("/bookings?resource=anna&week=2026-11-30").text

    @pytest.mark.parametrize("week", ["rubbish", "0001-01-01", "9999-12-31", "2026-02-30"])
    def test_a_week_that_is_none_is_this_one(self, web: Web, week: str) -> None:
        assert web.page(f"/bookings?resource=anna&week={week}").status == 200

    def test_free_hours_lead_to_the_form(self, web: Web, system: System) -> None:
        booked(system, "09:00", "09:45")
        links = Read.of(web.page(WEEK)).links

        assert "/bookings/new?resource=anna&date=2026-11-23&start=10:00" in links
        assert "/bookings/new?resource=anna&date=2026-11-23&start=09:00" not in links
        assert not any("2026-11-28" in link for link in links if "start" in link)

    def test_overlapping_entries_stand_side_by_side(self, web: Web, system: System) -> None:
        booked(system, "09:00", "10:00")
        block = {"resource_id": "anna", "start": "2026-11-23T08:30:00Z", "end": "2026-11-23T10:00:00Z"}
        web("PUT", "/host/blocks/b1", block | {"origin": {"system": "calsync", "ref": "b1"}})

        text = web.page(WEEK).text

        assert "h0 m0 d1 e0 w2 c0" in text
        assert "h0 m6 d1 e6 w2 c1" in text

    @pytest.mark.parametrize("monday", [date(2026, 10, 19), date(2026, 3, 23)])
    def test_weeks_of_clock_changes_are_drawn(self, system: System, monday: date) -> None:
        sunday = monday + timedelta(days=6)
        booked(system, f"{sunday}T00:30:00Z", f"{sunday}T01:30:00Z", resource_ids=["room4"])
        room = system.register.get("room4")
        entry = next(system.calendars.bookings("room4", system.clock() - timedelta(days=400), system.clock()))

        week = lay_out(room, monday, [entry], system.clock())

        assert [len(day.timed) for day in week.days] == [0] * 6 + [1]
        assert week.days[6].timed[0].last_minute > week.days[6].timed[0].first_minute

    def test_private_notes_of_html_are_shown_as_words(self, web: Web, system: System) -> None:
        notes = {"format": "html", "value": "<p>Hello <b>you</b></p><script>alert(1)</script>"}
        booking = booked(system, "09:00", "10:00", notes=notes)

        answer = web.page(f"/bookings/b/{booking.id}")
        form = Read.of(answer).fields | {"title": "New"}
        assert web.post(f"/bookings/b/{booking.id}", form).status == 303

        assert "Hello you" in answer.text
        assert "<script" not in answer.text
        assert system.calendars.find(booking.id).booking.shown()["notes"] == notes


class TestForms:
    def new(self, web: Web, **fields: str) -> tuple[dict[str, str], Answered]:
        form = Read.of(web.page("/bookings/new?resource=anna&date=2026-11-23&start=10:00")).fields | fields
        return form, web.post("/bookings/new", form)

    def test_booking_leads_back_to_its_week(self, web: Web) -> None:
        _, answer = self.new(web, title="Check-up", customer_name="Maria")

        assert (answer.status, answer.headers["location"]) == (
            303,
            "https://calsync.example/bookings?resource=anna&week=2026-11-23&done=booked",
        )
        page = Read.of(web.page(WEEK + "&done=booked"))
        assert "Booked." in page.text
        assert "10:00 –10:30 Maria · Check-up" in page.text

    def test_pressing_twice_books_once(self, web: Web, system: System) -> None:
        form, first = self.new(web)

        assert web.post("/bookings/new", form).headers["location"] == first.headers["location"]
        assert (
            len(
                web("GET", "/host/bookings?resource_id=anna&from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z").json[
                    "items"
                ]
            )
            == 1
        )

    def test_a_refusal_names_what_is_in_the_way_and_keeps_the_values(self, web: Web, system: System) -> None:
        booked(system, "10:00", "11:00", customer={"name": "Ole Hansen"})

        _, answer = self.new(web, title="My title", notes="line 1\r\nline 2", customer_phone="+49 30 1")

        page = Read.of(answer)
        assert answer.status == 409
        assert "This time is taken: Ole Hansen, Mon 23 Nov 10:00–11:00. Choose another time." in page.text
        assert page.fields["title"] == "My title"
        assert page.fields["notes"].splitlines() == ["line 1", "line 2"]
        assert page.fields["customer_phone"] == "+49 30 1"
        assert "start-fault" in page.ids
        assert "#start" in page.links

    @pytest.mark.parametrize(
        ("fields", "where", "words"),
        [
            ({"date": ""}, "date", "Give a date"),
            ({"start": "25:00"}, "start", "Give a time"),
            ({"end": "09:00"}, "end", "The end must be after the start"),
            ({"customer_email": "nobody"}, "customer_email", "Give an e-mail address"),
            ({"before": "minus"}, "before", "whole number"),
            ({"repeat": "FREQ=WEEKLY", "times": "0"}, "times", "Give how many times"),
            ({"date": "2027-03-28", "start": "02:30", "end": "03:30"}, "start", "does not exist on that day"),
        ],
    )
    def test_mistakes_stand_at_their_field(self, web: Web, fields: dict[str, str], where: str, words: str) -> None:
        _, answer = self.new(web, **fields)

        page = Read.of(answer)
        assert answer.status == 422
        assert f"{where}-fault" in page.ids
        assert words in page.text
        assert f"#{where}" in page.links

    def test_a_form_of_another_site_changes_nothing_and_loses_nothing(self, web: Web, calsync: object) -> None:
        form = Read.of(web.page("/bookings/new?resource=anna&date=2026-11-23&start=10:00")).fields | {"title": "Mine"}

        answer = web.post("/bookings/new", form, token="forged")

        assert answer.status == 403
        assert Read.of(answer).fields["title"] == "Mine"
        assert calsync.posted == []  # type: ignore[attr-defined]

    def test_moving_and_editing(self, web: Web, system: System) -> None:
        booking = booked(system, "10:00", "11:00", title="Old", custom_fields={"insurance": "public"})
        path = f"/bookings/b/{booking.id}"
        form = Read.of(web.page(path)).fields

        assert web.post(path, form).status == 303
        assert system.calendars.find(booking.id).booking == booking
        assert (
            web.post(path, form | {"title": "New", "start": "12:00", "end": "12:45", "with:room4": "on"}).status == 303
        )

        after = system.calendars.find(booking.id).booking
        assert (after.title, after.shown()["start"], after.shown()["end"]) == (
            "New",
            "2026-11-23T11:00:00Z",
            "2026-11-23T11:45:00Z",
        )
        assert set(after.resource_ids) == {"anna", "room4"}
        assert after.custom_fields == {"insurance": "public"}

    def test_somebody_elses_change_in_between_is_shown_before_it_is_overwritten(self, web: Web, system: System) -> None:
        booking = booked(system, "10:00", "11:00")
        path = f"/bookings/b/{booking.id}"
        form = Read.of(web.page(path)).fields | {"title": "Mine"}
        system.desk.change(booking.id, parse(BookingChange, '{"location": "Room 9"}'), Terms())

        stopped = web.post(path, form)
        again = web.post(path, Read.of(stopped).fields)

        assert stopped.status == 412
        assert "Somebody else has changed this booking" in Read.of(stopped).text
        assert again.status == 303

    def test_cancelling_asks_first(self, web: Web, system: System) -> None:
        booking = booked(system, "10:00", "11:00", title="Check-up")
        asked = Read.of(web.page(f"/bookings/b/{booking.id}/cancel"))

        assert system.calendars.find(booking.id).booking.status == "confirmed"
        assert "Check-up" in asked.text
        assert web.post(asked.forms[0]["action"], asked.fields).status == 303
        assert system.calendars.find(booking.id).booking.status == "cancelled"
        assert "Cancelled this week: 1" in Read.of(web.page(WEEK)).text

    def test_a_series_is_booked_and_its_dates_say_so(self, web: Web, system: System) -> None:
        self.new(web, repeat="FREQ=WEEKLY", times="3", title="Physio")
        week = Read.of(web.page("/bookings?resource=anna&week=2026-12-07"))
        occurrence = unquote(next(link for link in week.links if "/b/" in link))

        page = Read.of(web.page(occurrence))

        assert "One date of a series" in page.text
        series = next(link for link in page.links if link.startswith("/bookings/b/ser_") and "_2026" not in link)
        assert "All 3 dates are cancelled" in Read.of(web.page(f"{series}/cancel")).text

    def test_resources_and_hours_are_kept_by_form(self, web: Web, system: System) -> None:
        form = Read.of(web.page("/bookings/resources/new")).fields
        wanted = {
            "name": "Max Braun",
            "hours:mon": "8:30-12:00, 13:00–17:00",
            "exceptions": "2026-12-24 09:00-12:00\n2026-12-25 closed",
        }
        wanted |= {"owner_name": "Max Braun", "owner_email": "max@clinic.example"}

        assert web.post("/bookings/resources/new", form | wanted).status == 303

        made = next(found for found in system.register.list_after("", 10) if found.name == "Max Braun")
        assert made.working_hours
        assert made.working_hours.ranges_on(date(2026, 11, 23)) == [(510, 720), (780, 1020)]
        assert made.working_hours.ranges_on(date(2026, 12, 25)) == []
        path = f"/bookings/resources/{made.id}"
        assert web.post(path, Read.of(web.page(path)).fields).status == 303
        assert system.register.get(made.id) == made
        wrong = web.post(path, Read.of(web.page(path)).fields | {"hours:tue": "all day", "time_zone": "Berlin"})
        assert wrong.status == 422
        assert "hours-tue-fault" in Read.of(wrong).ids


def test_templates_and_styles_are_part_of_the_package() -> None:
    folder = Path(reference.__file__).parent

    assert {path.name for path in (folder / "templates").iterdir()} >= {"week.html", "booking.html", "base.html"}
    assert (folder / "static" / "week.css").is_file()

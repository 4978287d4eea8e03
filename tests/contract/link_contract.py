"""What every LinkStore promises. Subclasses give the fixture `stores`."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from calsync_core.domain.appointments import overlap
from calsync_core.domain.errors import LinkChangedError
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, LinkRef
from calsync_core.domain.links import Intent, Origin
from calsync_core.ports.stores import Stores
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.examples import CAL, HOUR, NOW, A, B, R, a_day_link, a_link

_ACCOUNTS = count()
_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_MINUTES = st.integers(0, 6 * 24 * 12).map(lambda fives: timedelta(minutes=5 * fives))
_LENGTHS = st.one_of(
    st.just(timedelta(0)),
    st.just(timedelta(hours=24)),
    st.just(timedelta(hours=24, microseconds=1)),
    st.integers(1, 90 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)


class LinkContract:
    def test_a_new_link_is_read_back_as_it_was_with_its_row(self, stores: Stores) -> None:
        saved = stores.links.put(A, a_link())

        assert saved == a_link(row=1)
        assert stores.links.get(A, R, [saved.ref, LinkRef("e-other")]) == {saved.ref: saved}

    @pytest.mark.parametrize(
        "link",
        [
            a_day_link("e-day", date(2026, 3, 29), 1),
            a_day_link("e-fair", date(2026, 3, 1), 9),
            a_link("b-1", entry_id=None, intent=Intent.CREATE, generation=3, writes=2, writes_since=NOW),
            a_link("s-1-20260302T090000", series_id=EntryId("series"), original_start_at=NOW - HOUR),
            a_link("e-other-span", end_at=NOW + 3 * HOUR, is_quarantined=True, settings_version=7),
        ],
        ids=lambda link: link.ref,
    )
    def test_every_field_survives(self, stores: Stores, link) -> None:
        saved = stores.links.put(A, link)

        assert stores.links.get(A, R, [link.ref]) == {link.ref: saved}
        assert saved == link.with_row(1)

    def test_a_write_on_an_old_row_changes_nothing(self, stores: Stores) -> None:
        first = stores.links.put(A, a_link())
        second = stores.links.put(A, replace(first, writes=1))

        with pytest.raises(LinkChangedError):
            stores.links.put(A, replace(first, writes=2))
        with pytest.raises(LinkChangedError):
            stores.links.put(A, a_link(writes=3))
        with pytest.raises(LinkChangedError):
            stores.links.put(A, replace(first, writes=4, entry_id=EntryId("another")))
        with pytest.raises(LinkChangedError):
            stores.links.delete(A, first)

        assert stores.links.get(A, R, [first.ref]) == {first.ref: second}
        assert stores.links.by_entries(A, R, CAL, [EntryId("another")]) == {}

    def test_a_write_of_a_link_that_is_gone_is_refused(self, stores: Stores) -> None:
        saved = stores.links.put(A, a_link())
        stores.links.delete(A, saved)

        with pytest.raises(LinkChangedError):
            stores.links.put(A, saved)

    def test_the_pointer_follows_the_entry_id(self, stores: Stores) -> None:
        none, first, second = None, EntryId("first"), EntryId("second")
        link = a_link("b-1", entry_id=none)
        for entry in (none, first, second, none, first):
            link = stores.links.put(A, replace(link, entry_id=entry))

            found = stores.links.by_entries(A, R, CAL, [first, second])

            assert found == ({entry: link} if entry else {})

    def test_the_same_entry_id_in_another_calendar_is_another_entry(self, stores: Stores) -> None:
        link = stores.links.put(A, a_link())
        moved = stores.links.put(A, replace(link, calendar_id=CalendarId("other")))

        assert stores.links.by_entries(A, R, CAL, [link.entry_id]) == {}
        assert stores.links.by_entries(A, R, CalendarId("other"), [link.entry_id]) == {link.entry_id: moved}

    def test_an_entry_that_another_link_took_over_stays_with_that_one(self, stores: Stores) -> None:
        entry = EntryId("shared")
        first = stores.links.put(A, a_link("e-1", entry_id=entry))
        second = stores.links.put(A, a_link("b-2", entry_id=entry))
        assert stores.links.by_entries(A, R, CAL, [entry]) == {entry: second}

        moved = stores.links.put(A, replace(first, entry_id=EntryId("new")))
        assert stores.links.by_entries(A, R, CAL, [entry]) == {entry: second}

        stores.links.delete(A, moved)
        assert stores.links.by_entries(A, R, CAL, [entry, EntryId("new")]) == {entry: second}

    def test_a_deleted_link_leaves_nothing_and_may_be_deleted_again(self, stores: Stores) -> None:
        saved = stores.links.put(A, a_link())

        stores.links.delete(A, saved)
        stores.links.delete(A, saved)

        assert stores.links.get(A, R, [saved.ref]) == {}
        assert stores.links.by_entries(A, R, CAL, [saved.entry_id]) == {}
        assert stores.links.overlapping(A, R, NOW, NOW + HOUR) == []
        assert list(stores.links.all(A, R)) == []

    def test_a_series_is_found_by_its_prefix(self, stores: Stores) -> None:
        for ref in ("s-1-a", "s-1-b", "s-11-a", "e-1"):
            stores.links.put(A, a_link(ref))

        assert {link.ref for link in stores.links.series(A, R, "s-1-")} == {"s-1-a", "s-1-b"}

    def test_the_occurrences_of_a_booking_series_are_found_by_it(self, stores: Stores) -> None:
        """In whichever way they were written, until they are deleted; never the series, nor what a calendar bore."""
        parts = [a_link(f"b-{n}", origin=Origin.HOST, series_id="ser_1", booking_id=f"o-{n}") for n in range(3)]
        first = stores.links.put(A, parts[0])
        stores.links.put_many(A, parts[1:])
        stores.links.put(A, a_link("b-9", origin=Origin.HOST, booking_id="ser_1", pattern="weekly"))
        stores.links.put(A, a_link("b-8", origin=Origin.HOST, series_id="ser_11"))
        stores.links.put(A, a_link("s-1-a", series_id="ser_1"))

        assert {link.ref for link in stores.links.parts(A, R, "ser_1")} == {"b-0", "b-1", "b-2"}
        again = stores.links.put(A, replace(first, entry_id=EntryId("place")))
        assert len(stores.links.parts(A, R, "ser_1")) == 3
        stores.links.delete(A, again)
        assert {link.ref for link in stores.links.parts(A, R, "ser_1")} == {"b-1", "b-2"}
        assert stores.links.parts(A, R, "ser") == []

    def test_a_first_import_writes_links_and_pointers_in_batches(self, stores: Stores) -> None:
        links = [a_link(f"e-{n}", NOW + n * HOUR) for n in range(60)]

        saved = stores.links.put_many(A, links)
        again = stores.links.put_many(A, links)  # the page was repeated after a crash

        assert saved == again == [link.with_row(1) for link in links]
        refs = [link.ref for link in links]
        assert stores.links.get(A, R, refs) == {link.ref: link for link in saved}
        assert len(stores.links.by_entries(A, R, CAL, [link.entry_id for link in links])) == 60
        changed = stores.links.put(A, replace(saved[7], entry_id=EntryId("moved")))
        assert stores.links.by_entries(A, R, CAL, [saved[7].entry_id, EntryId("moved")]) == {"moved": changed}

    def test_a_pointer_that_a_repeated_batch_left_behind_says_nothing(self, stores: Stores) -> None:
        stores.links.put_many(A, [a_link(entry_id=EntryId("old")), a_link("e-2")])
        again = stores.links.put_many(A, [a_link(entry_id=EntryId("new")), a_link("e-2")])

        found = stores.links.by_entries(A, R, CAL, [EntryId("old"), EntryId("new")])

        assert found == {EntryId("new"): again[0]}

    def test_links_may_be_deleted_while_they_are_streamed(self, stores: Stores) -> None:
        stores.links.put_many(A, [a_link(f"e-{n}") for n in range(5)])

        for link in stores.links.all(A, R):
            stores.links.delete(A, link)

        assert list(stores.links.all(A, R)) == []

    def test_an_overlap_is_seen_as_soon_as_a_link_was_moved(self, stores: Stores) -> None:
        link = stores.links.put(A, a_link())
        later = NOW + timedelta(days=3)
        moved = stores.links.put(A, replace(link, start_at=later, end_at=later + timedelta(days=2)))

        assert stores.links.overlapping(A, R, NOW, NOW + HOUR) == []
        assert stores.links.overlapping(A, R, later + timedelta(days=1), later + timedelta(days=9)) == [moved]

    examples = 100

    def test_overlapping_agrees_with_looking_at_every_link(self, stores: Stores) -> None:
        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(st.tuples(_MINUTES, _LENGTHS), max_size=12), _MINUTES, _LENGTHS)
        def agrees(spans, start, length) -> None:
            account = AccountId(f"overlap-{next(_ACCOUNTS)}")
            links = [a_link(f"e-{n}", _FIRST + begin, long) for n, (begin, long) in enumerate(spans)]
            saved = stores.links.put_many(account, links)
            asked = _FIRST + start, _FIRST + start + length

            found = stores.links.overlapping(account, R, *asked)

            expected = {link.ref for link in saved if overlap((link.start_at, link.end_at), asked)}
            assert {link.ref for link in found} == expected
            assert len(found) == len(expected)

        agrees()

    def test_overlapping_from_the_beginning_of_time(self, stores: Stores) -> None:
        link = stores.links.put(A, a_link())

        earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

        assert stores.links.overlapping(A, R, earliest, latest) == [link]

    def test_leaving_refs_wait_per_feed(self, stores: Stores) -> None:
        refs = [LinkRef(f"e-{n}") for n in range(30)]
        stores.links.set_leaving(A, R, CAL, refs[:20])
        stores.links.set_leaving(A, R, CAL, refs[10:])
        stores.links.set_leaving(A, R, "host", [LinkRef("b-1")])

        assert sorted(stores.links.leaving(A, R, CAL)) == sorted(refs)
        stores.links.clear_leaving(A, R, CAL, refs[1:])
        stores.links.clear_leaving(A, R, CAL, refs[1:])
        assert stores.links.leaving(A, R, CAL) == refs[:1]
        assert stores.links.leaving(A, R, "host") == ["b-1"]

    def test_a_round_remembers_what_its_pages_met(self, stores: Stores) -> None:
        refs = [LinkRef(f"e-{n:032d}") for n in range(6000)]
        stores.links.note_seen(A, R, CAL, 1, 0, refs[:5500])
        stores.links.note_seen(A, R, CAL, 1, 1, refs[5500:])
        stores.links.note_seen(A, R, CAL, 1, 1, refs[5500:])
        stores.links.note_seen(A, R, CAL, 1, 2, [])
        stores.links.note_seen(A, R, CAL, 11, 0, refs[:1])
        stores.links.note_seen(A, R, "host", 1, 0, refs[:2])

        assert stores.links.seen(A, R, CAL, 1) == set(refs)
        stores.links.forget_seen(A, R, CAL, 1)
        assert stores.links.seen(A, R, CAL, 1) == set()
        assert stores.links.seen(A, R, CAL, 11) == set(refs[:1])
        assert stores.links.seen(A, R, "host", 1) == set(refs[:2])

    def test_an_account_never_sees_another_ones_links(self, stores: Stores) -> None:
        ours = stores.links.put(A, a_link())
        theirs = stores.links.put(B, a_link(writes=9))
        stores.links.set_leaving(B, R, CAL, [theirs.ref])
        stores.links.note_seen(B, R, CAL, 1, 0, [theirs.ref])

        assert stores.links.get(A, R, [ours.ref]) == {ours.ref: ours}
        assert stores.links.by_entries(A, R, CAL, [ours.entry_id]) == {ours.entry_id: ours}
        assert stores.links.overlapping(A, R, NOW, NOW + HOUR) == [ours]
        assert list(stores.links.all(A, R)) == [ours]
        assert stores.links.leaving(A, R, CAL) == []
        assert stores.links.seen(A, R, CAL, 1) == set()
        stores.links.delete(A, ours)
        assert stores.links.get(B, R, [theirs.ref]) == {theirs.ref: theirs}

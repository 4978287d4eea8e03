"""What the stores around people promise: connections, credentials, journeys, conflicts, log, mails, access."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.conflicts import ConflictStatus, Resolution
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, InputError, MailboxTakenError
from calsync_core.domain.ids import AccountId, ConflictId, LinkRef, MailboxId, ResourceId, RunId
from calsync_core.domain.resources import InvitationState
from calsync_core.domain.synclog import LogEntry, Reason, Way
from calsync_core.ports.stores import Agreement, ApiKey, Member, Stores

from tests.contract.examples import (
    HOUR,
    IDENTITY,
    NOW,
    A,
    B,
    M,
    R,
    a_conflict,
    a_connection,
    a_grant,
    a_sign_in,
    a_subscription,
    an_invitation,
)

OTHER = MailboxId("mailbox-2")


class ConnectionContract:
    def test_a_connection_is_found_by_id_and_by_identity(self, stores: Stores) -> None:
        saved = stores.connections.save(a_connection())

        assert saved == replace(a_connection(), version=1)
        assert stores.connections.get(A, M) == saved
        assert stores.connections.by_identity(A, IDENTITY) == saved
        assert stores.connections.by_identity(A, replace(IDENTITY, directory="other")) is None
        assert stores.connections.by_identity(B, IDENTITY) is None

    def test_one_mailbox_of_microsoft_is_one_connection_of_the_account(self, stores: Stores) -> None:
        stores.connections.save(a_connection())

        with pytest.raises(MailboxTakenError):
            stores.connections.save(a_connection(OTHER))

        assert stores.connections.get(A, OTHER) is None
        assert stores.connections.save(a_connection(account=B)).version == 1

    def test_of_ten_who_claim_a_mailbox_at_once_one_gets_it(self, stores: Stores) -> None:
        def claim(n: int) -> bool:
            try:
                stores.connections.save(a_connection(MailboxId(f"m{n}")))
            except MailboxTakenError:
                return False
            return True

        with ThreadPoolExecutor(10) as threads:
            assert sum(threads.map(claim, range(10))) == 1

    def test_changes_are_conditional_and_the_identity_never_changes(self, stores: Stores) -> None:
        first = stores.connections.save(a_connection())
        second = stores.connections.save(replace(first, is_broken=True, broken_code="auth_expired"))

        with pytest.raises(ConcurrentChangeError):
            stores.connections.save(replace(first, address="x"))
        with pytest.raises(ConcurrentChangeError):
            stores.connections.save(replace(a_connection(), address="x"))
        with pytest.raises(InputError):
            stores.connections.save(replace(second, identity=MailboxIdentity(ProviderKind.EXCHANGE, "s", "x")))

        assert stores.connections.get(A, M) == second
        assert stores.connections.of_account(A) == [second]

    def test_a_deleted_connection_leaves_nothing(self, stores: Stores) -> None:
        saved = stores.connections.save(a_connection())
        stores.credentials.save(A, M, b"tokens", 0)
        stores.connections.save_subscription(a_subscription("p1"))
        stores.connections.save_subscription(a_subscription("p2"))

        stores.connections.delete(saved)
        stores.connections.delete(saved)

        assert stores.connections.get(A, M) is None
        assert stores.credentials.load(A, M) is None
        assert stores.connections.subscription("p1") is None
        assert stores.connections.subscriptions(A, M) == []
        again = stores.connections.save(a_connection(OTHER))
        stores.connections.delete(saved)
        assert stores.connections.by_identity(A, IDENTITY) == again

    def test_a_subscription_is_found_by_its_path_and_by_its_mailbox(self, stores: Stores) -> None:
        first, second = a_subscription("p1"), a_subscription("p2")
        for one in (first, second, a_subscription("p3", account=B), a_subscription("p4", mailbox=OTHER)):
            stores.connections.save_subscription(one)
        renewed = replace(first, expires_at=NOW + HOUR, subscription_id="new")
        stores.connections.save_subscription(renewed)

        assert stores.connections.subscription("p1") == renewed
        assert stores.connections.subscription("unknown") is None
        assert stores.connections.subscriptions(A, M) == [renewed, second]
        stores.connections.delete_subscription("p1")
        stores.connections.delete_subscription("p1")
        assert stores.connections.subscription("p1") is None
        assert stores.connections.subscriptions(A, M) == [second]

    def test_a_subscription_without_an_account_is_refused(self, stores: Stores) -> None:
        with pytest.raises(InputError):
            stores.connections.save_subscription(replace(a_subscription(), account=None))


class CredentialContract:
    def test_what_was_sealed_is_opened_again(self, stores: Stores) -> None:
        assert stores.credentials.load(A, M) is None
        assert stores.credentials.save(A, M, b"\x00one\xff", 0) == 1
        assert stores.credentials.save(A, M, b"two", 1) == 2
        assert stores.credentials.load(A, M) == (b"two", 2)
        assert stores.credentials.load(B, M) is None

    def test_who_refreshed_second_must_load_again(self, stores: Stores) -> None:
        stores.credentials.save(A, M, b"one", 0)
        stores.credentials.save(A, M, b"two", 1)

        for expected in (0, 1, 5):
            with pytest.raises(ConcurrentChangeError):
                stores.credentials.save(A, M, b"late", expected)

        assert stores.credentials.load(A, M) == (b"two", 2)
        stores.credentials.delete(A, M)
        stores.credentials.delete(A, M)
        assert stores.credentials.load(A, M) is None


class TokenContract:
    """An access token, beside the cache it came from. It ends in an hour by the clock of the stores."""

    def test_what_was_sealed_is_opened_again_with_the_number_for_the_next_save(self, stores: Stores) -> None:
        assert stores.tokens.load(A, M) == (None, 0)
        assert stores.tokens.save(A, M, b"\x00one\xff", NOW + HOUR, 0)
        assert stores.tokens.load(A, M) == (b"\x00one\xff", 1)
        assert stores.tokens.save(A, M, b"two", NOW + HOUR, 1)
        assert stores.tokens.load(A, M) == (b"two", 2)
        assert stores.tokens.load(B, M) == (None, 0)

    def test_of_two_renewals_at_once_the_first_stands(self, stores: Stores) -> None:
        stores.tokens.save(A, M, b"one", NOW + HOUR, 0)
        stores.tokens.save(A, M, b"two", NOW + HOUR, 1)

        assert not any(stores.tokens.save(A, M, b"late", NOW + HOUR, expected) for expected in (0, 1, 5))

        assert stores.tokens.load(A, M) == (b"two", 2)

    @pytest.mark.parametrize("had_token", [True, False])
    def test_a_renewal_that_began_before_saves_nothing_for_who_has_left(
        self, stores: Stores, had_token: bool
    ) -> None:  # fmt: skip
        if had_token:
            stores.tokens.save(A, M, b"one", NOW + HOUR, 0)
        _, number = stores.tokens.load(A, M)

        stores.tokens.forget(A, M)

        assert not stores.tokens.save(A, M, b"late", NOW + HOUR, number)
        token, number = stores.tokens.load(A, M)
        assert token is None
        assert stores.tokens.save(A, M, b"of the next sign-in", NOW + HOUR, number)

    def test_a_deleted_connection_takes_its_token_along(self, stores: Stores) -> None:
        saved = stores.connections.save(a_connection())
        stores.tokens.save(A, M, b"one", NOW + HOUR, 0)

        stores.connections.delete(saved)

        assert stores.tokens.load(A, M)[0] is None
        assert not stores.tokens.save(A, M, b"late", NOW + HOUR, 1)


class JourneyContract:
    def test_an_invitation_is_found_by_its_token_and_by_its_id(self, stores: Stores) -> None:
        saved = stores.journeys.save_invitation(an_invitation())
        used = stores.journeys.save_invitation(replace(saved, is_used=True, state=InvitationState.OPENED))

        assert used.version == 2
        assert stores.journeys.invitation(used.token_hash) == used
        assert stores.journeys.invitation_by_id(A, R, "i1") == used
        assert stores.journeys.invitation("unknown") is None
        assert stores.journeys.invitation_by_id(B, R, "i1") is None

    def test_an_invitation_changes_on_its_own_version_only(self, stores: Stores) -> None:
        saved = stores.journeys.save_invitation(an_invitation())
        stores.journeys.save_invitation(replace(saved, is_used=True))

        with pytest.raises(ConcurrentChangeError):
            stores.journeys.save_invitation(replace(saved, is_withdrawn=True))
        with pytest.raises(ConcurrentChangeError):
            stores.journeys.save_invitation(an_invitation())

    def test_of_five_who_use_an_invitation_at_once_one_does(self, stores: Stores) -> None:
        saved = stores.journeys.save_invitation(an_invitation())

        def use(_: int) -> bool:
            try:
                stores.journeys.save_invitation(replace(saved, is_used=True))
            except ConcurrentChangeError:
                return False
            return True

        with ThreadPoolExecutor(5) as threads:
            assert list(threads.map(use, range(5))).count(True) == 1

    def test_a_sign_in_is_taken_once(self, stores: Stores) -> None:
        stores.journeys.save_sign_in(a_sign_in())

        with ThreadPoolExecutor(5) as threads:
            taken = list(threads.map(lambda _: stores.journeys.take_sign_in("s1", NOW), range(5)))

        assert [one for one in taken if one] == [a_sign_in()]

    def test_an_expired_sign_in_or_grant_is_none_whatever_the_table_still_holds(self, stores: Stores) -> None:
        stores.journeys.save_sign_in(a_sign_in())
        stores.journeys.save_grant(a_grant())

        assert stores.journeys.grant("c1", a_grant().expires_at) is None
        assert stores.journeys.take_sign_in("s1", a_sign_in().expires_at) is None
        assert stores.journeys.take_sign_in("s1", NOW) is None

    def test_a_grant_waits_until_it_is_deleted(self, stores: Stores) -> None:
        stores.journeys.save_grant(a_grant())
        stores.journeys.save_grant(replace(a_grant(), is_confirmed=True))

        assert stores.journeys.grant("c1", NOW) == replace(a_grant(), is_confirmed=True)
        stores.journeys.delete_grant("c1")
        stores.journeys.delete_grant("c1")
        assert stores.journeys.grant("c1", NOW) is None

    def test_agreements_are_kept_in_order(self, stores: Stores) -> None:
        first = Agreement(A, "admin@example.com", "admin", "2026-01", NOW)
        second = Agreement(A, "anna@example.com", "resource", "2026-01", NOW + HOUR, R)
        for one in (second, first, first, replace(first, account=B)):
            stores.journeys.save_agreement(one)

        assert stores.journeys.agreements(A) == [first, second]


class ConflictContract:
    def test_a_conflict_is_found_by_id_by_link_and_by_resource(self, stores: Stores) -> None:
        conflict = a_conflict()
        stores.conflicts.save(conflict)

        assert stores.conflicts.get(A, conflict.id) == conflict
        assert stores.conflicts.get(A, ConflictId("unknown")) is None
        assert stores.conflicts.get(B, conflict.id) is None
        assert stores.conflicts.of_link(A, R, LinkRef("b-1")) == [conflict]
        assert stores.conflicts.of_link(A, R, LinkRef("e-1")) == [conflict]
        assert stores.conflicts.of_link(A, R, LinkRef("e-2")) == []
        assert stores.conflicts.of_resource(A, R) == [conflict]
        assert stores.conflicts.of_resource(B, R) == []

    def test_an_older_revision_is_refused(self, stores: Stores) -> None:
        newer = a_conflict(revision=2, booking_when=None)
        stores.conflicts.save(a_conflict())
        stores.conflicts.save(newer)
        stores.conflicts.save(newer)

        with pytest.raises(ConcurrentChangeError):
            stores.conflicts.save(a_conflict())

        assert stores.conflicts.get(A, newer.id) == newer

    def test_only_open_ones_are_listed_newest_first(self, stores: Stores) -> None:
        for n, status in enumerate(ConflictStatus):
            stores.conflicts.save(a_conflict(f"k{n}", opened_at=NOW + n * HOUR, status=status, ended_at=NOW))
        stores.conflicts.save(a_conflict("k9", opened_at=NOW + 9 * HOUR))
        stores.conflicts.save(a_conflict("k8", B))

        assert [one.id for one in stores.conflicts.open(A)] == ["k9", "k0"]
        assert {one.id for one in stores.conflicts.of_link(A, R, LinkRef("b-1"))} == {"k9", "k0", "k1"}
        assert len(stores.conflicts.of_resource(A, R)) == 5

    def test_an_ended_one_leaves_the_list(self, stores: Stores) -> None:
        stores.conflicts.save(a_conflict())
        stores.conflicts.save(a_conflict(revision=2, status=ConflictStatus.RESOLVED, ended_at=NOW))

        assert stores.conflicts.open(A) == []
        assert stores.conflicts.of_link(A, R, LinkRef("b-1")) == []

    def test_what_ended_or_was_left_is_listed_with_how_it_ended(self, stores: Stores) -> None:
        how = {"ended_by": "A. Braun", "resolution": Resolution.KEEP_BOOKING}
        ended = [
            a_conflict(f"k{n}", status=status, ended_at=NOW + n * HOUR, **how)
            for n, status in enumerate((ConflictStatus.RESOLVED, ConflictStatus.SETTLED, ConflictStatus.LEFT))
        ]
        for one in (*ended, a_conflict("k8"), a_conflict("k9", B, status=ConflictStatus.SETTLED, ended_at=NOW)):
            stores.conflicts.save(one)

        assert stores.conflicts.ended(A) == ended[::-1]
        assert stores.conflicts.ended(A, limit=2) == ended[:0:-1]
        stores.conflicts.save(replace(ended[2], status=ConflictStatus.OPEN, revision=2))
        assert stores.conflicts.ended(A) == ended[1::-1]


def _line(n: int, **changes) -> LogEntry:
    entry = LogEntry(A, R, NOW + n * HOUR, Reason.COPY_CREATED, Way.TO_CALENDAR, "R1", LinkRef(f"b-{n}"))
    return replace(entry, **changes)


class LogContract:
    def test_the_newest_lines_come_first(self, stores: Stores) -> None:
        lines = [_line(n, run=RunId("run"), detail=(("from", "9:00"),), is_problem=True) for n in range(30)]
        stores.log.add(lines)
        stores.log.add([_line(0, account=B)])

        assert stores.log.of_resource(A, R) == lines[::-1]
        assert stores.log.of_resource(A, R, limit=4) == lines[:-5:-1]
        assert stores.log.of_resource(A, ResourceId("other")) == []

    def test_lines_of_one_instant_keep_their_order(self, stores: Stores) -> None:
        lines = [_line(0, ref=LinkRef(f"b-{n}")) for n in range(12)]
        stores.log.add(lines)

        assert stores.log.of_resource(A, R) == lines[::-1]

    def test_a_day_is_a_day_in_utc_and_holds_lines_without_a_resource(self, stores: Stores) -> None:
        lines = [_line(n) for n in range(14)] + [_line(14, resource_id=None)]
        stores.log.add(lines)

        assert stores.log.of_day(A, "2026-03-02") == lines[14::-1]
        assert stores.log.of_day(A, "2026-03-02", limit=2) == lines[14:12:-1]
        assert stores.log.of_day(A, "2026-03-03") == []
        assert stores.log.of_day(B, "2026-03-02") == []
        stores.log.add([_line(15)])
        assert stores.log.of_day(A, "2026-03-03") == [_line(15)]

    def test_the_journal_keeps_what_a_run_did_once(self, stores: Stores) -> None:
        actions = [{"ref": f"b-{n}", "was": "x"} for n in range(3)]
        stores.log.journal(A, R, "run1", actions)
        stores.log.journal(A, R, "run1", actions)
        stores.log.journal(A, R, "run1", [])
        stores.log.journal(A, R, "run2", actions[:1])

        assert stores.log.journalled(A, R, "run1") == actions
        assert stores.log.journalled(A, R, "run2") == actions[:1]
        assert stores.log.journalled(B, R, "run1") == []
        assert stores.log.journals(A, R) == {"run1": actions, "run2": actions[:1]}
        assert stores.log.journals(B, R) == {}

    def test_a_journal_of_any_size_comes_back_whole(self, stores: Stores) -> None:
        """Ids of Exchange are long, and one answer of the table ends at a megabyte."""
        actions = [{"ref": f"b-{n:04}", "entry": f"{n:04}" * 200} for n in range(1500)]
        for first in range(0, len(actions), 600):
            stores.log.journal(A, R, "huge", actions[first : first + 600])

        found = stores.log.journalled(A, R, "huge")

        assert sorted(found, key=lambda action: action["ref"]) == actions
        assert len(stores.log.journals(A, R)["huge"]) == 1500


class MailContract:
    def test_a_mail_is_claimed_by_exactly_one(self, stores: Stores) -> None:
        with ThreadPoolExecutor(10) as threads:
            claims = list(threads.map(lambda _: stores.mails.claim(A, "reminder", R, "i1", NOW), range(10)))

        assert claims.count(True) == 1
        assert stores.mails.claim(A, "reminder", R, "i1", NOW + timedelta(days=400)) is False
        assert stores.mails.claim(A, "reminder", R, "i2", NOW) is True
        assert stores.mails.claim(B, "reminder", R, "i1", NOW) is True

    def test_a_bounce_finds_its_invitation(self, stores: Stores) -> None:
        stores.mails.note_message("m1", A, R, "i1")
        stores.mails.note_message("m2", A, R, None)

        assert stores.mails.by_message("m1") == (A, R, "i1")
        assert stores.mails.by_message("m2") == (A, R, None)
        assert stores.mails.by_message("m3") is None


class AccessContract:
    def test_the_first_admin_is_bound_once(self, stores: Stores) -> None:
        first = Member("https://issuer", "sub-1", A, "admin", "a@example.com", "Ann")

        with ThreadPoolExecutor(5) as threads:
            bound = list(threads.map(lambda _: stores.access.add_first_admin(first), range(5)))

        assert bound.count(True) == 1
        assert stores.access.add_first_admin(replace(first, subject="sub-2")) is False
        assert stores.access.add_first_admin(replace(first, subject="sub-3", account=B)) is True
        assert stores.access.member("https://issuer", "sub-1") == first
        assert stores.access.member("https://issuer", "sub-2") is None
        assert stores.access.member("https://other", "sub-1") is None
        assert stores.access.members(A) == [first]
        assert [member.subject for member in stores.access.members(B)] == ["sub-3"]
        assert stores.access.members(AccountId("none")) == []

    def test_keys_are_found_by_hash_and_listed_by_account(self, stores: Stores) -> None:
        keys = [ApiKey(f"k{n}", f"hash{n}", A, "host", f"Key {n}", NOW) for n in range(2)]
        for key in (*keys, ApiKey("k0", "hash-b", B, "host", "", NOW)):
            stores.access.save_api_key(key)
        revoked = replace(keys[0], is_revoked=True)
        stores.access.save_api_key(revoked)

        assert stores.access.api_key("hash0") == revoked
        assert stores.access.api_key("unknown") is None
        assert stores.access.api_keys(A) == [revoked, keys[1]]

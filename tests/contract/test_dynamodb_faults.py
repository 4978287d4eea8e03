"""The stores while DynamoDB throttles, cuts connections, leaves batches half done, or lags (trust.md section 6, 38)."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    CalsyncError,
    ConcurrentChangeError,
    InputError,
    InstallationError,
    LinkChangedError,
    MailboxTakenError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import BookingId, EntryId, LinkRef, MailboxId, ResourceId
from calsync_core.ports.stores import Due, Stores

from tests.contract.cloud import Cloud, client_error, time_out
from tests.contract.examples import (
    CAL,
    HOUR,
    IDENTITY,
    NOW,
    A,
    M,
    R,
    a_conflict,
    a_connection,
    a_cursor,
    a_grant,
    a_link,
    a_sign_in,
    a_state,
    an_invitation,
)

MINUTE = timedelta(minutes=1)


class TestTimeOutAfterCommit:
    """The write took effect, the answer was lost; botocore or the caller sends the same again."""

    def again(self, cloud: Cloud, operation: str, write: Callable[[], Any]) -> Any:
        """The first answer is lost; the same request is repeated as botocore does, without a new decision."""

        def lossy(real: Callable[..., Any], request: dict[str, Any]) -> Any:
            del cloud.instead[operation]
            real(**request)
            return real(**request)

        cloud.instead[operation] = lossy
        answer = write()
        assert operation not in cloud.instead, "the fault was never met"
        return answer

    def test_a_link_is_written_once(self, dynamo: Stores, cloud: Cloud) -> None:
        first = dynamo.links.put(A, a_link())

        second = self.again(cloud, "put_item", lambda: dynamo.links.put(A, replace(first, writes=1)))

        assert second.row == 2
        assert dynamo.links.get(A, R, [first.ref]) == {first.ref: second}

    def test_a_link_and_its_pointer_are_written_once(self, dynamo: Stores, cloud: Cloud) -> None:
        saved = self.again(cloud, "transact_write_items", lambda: dynamo.links.put(A, a_link()))

        assert dynamo.links.by_entries(A, R, CAL, [saved.entry_id]) == {saved.entry_id: saved}

    def test_a_caller_that_decides_again_must_read_again(self, dynamo: Stores, cloud: Cloud) -> None:
        cloud.after["transact_write_items"].append(time_out())
        with pytest.raises(ProviderUnavailableError):
            dynamo.links.put(A, a_link())

        with pytest.raises(LinkChangedError):
            dynamo.links.put(A, a_link())

        assert dynamo.links.get(A, R, [LinkRef("e-1")]) == {"e-1": a_link(row=1)}

    def test_a_lease_is_taken_by_the_one_who_took_it(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.resources.save(a_state())

        lease = self.again(cloud, "update_item", lambda: dynamo.leases.take(A, R, NOW, NOW + HOUR))

        assert lease is not None
        dynamo.cursors.store(lease, a_cursor())
        assert dynamo.leases.take(A, R, NOW, NOW + HOUR) is None
        assert self.again(cloud, "update_item", lambda: dynamo.leases.give_back(lease)) is True

    def test_no_minute_of_the_sweep_is_lost(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.due.claim_minutes(100)

        assert self.again(cloud, "update_item", lambda: dynamo.due.claim_minutes(103)) == range(101, 104)

    def test_a_mail_is_claimed_and_so_sent(self, dynamo: Stores, cloud: Cloud) -> None:
        assert self.again(cloud, "put_item", lambda: dynamo.mails.claim(A, "invitation", R, "1", NOW)) is True
        assert dynamo.mails.claim(A, "invitation", R, "1", NOW) is False

    def test_state_connection_and_credentials_keep_the_version_they_got(self, dynamo: Stores, cloud: Cloud) -> None:
        state = self.again(cloud, "transact_write_items", lambda: dynamo.resources.save(a_state()))
        state = self.again(cloud, "update_item", lambda: dynamo.resources.save(replace(state, attempt=1)))
        connection = self.again(cloud, "transact_write_items", lambda: dynamo.connections.save(a_connection()))
        number = self.again(cloud, "put_item", lambda: dynamo.credentials.save(A, M, b"token", 0))

        assert dynamo.resources.get(A, R) == state
        assert dynamo.connections.get(A, M) == connection
        assert dynamo.credentials.load(A, M) == (b"token", number)


class TestTransactions:
    def test_one_that_fails_leaves_nothing_behind(self, dynamo: Stores, cloud: Cloud) -> None:
        cloud.before["transact_write_items"].append(client_error("InternalServerError", 500))
        with pytest.raises(ProviderUnavailableError):
            dynamo.connections.save(a_connection())

        assert dynamo.connections.by_identity(A, IDENTITY) is None
        assert dynamo.connections.save(a_connection()).version == 1

    @pytest.mark.bad_input(38)
    def test_one_that_lost_against_another_is_tried_again(self, dynamo: Stores, cloud: Cloud) -> None:
        conflict = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        canceled = client_error("TransactionCanceledException", CancellationReasons=conflict)
        cloud.before["transact_write_items"].extend([canceled, client_error("TransactionInProgressException")])
        cloud.before["put_item"].append(client_error("TransactionConflictException"))

        first = dynamo.links.put(A, a_link())
        second = dynamo.links.put(A, replace(first, writes=1))

        assert dynamo.links.get(A, R, [first.ref]) == {first.ref: second}

    def test_one_that_never_gets_through_is_told_as_such(self, dynamo: Stores, cloud: Cloud) -> None:
        cloud.before["transact_write_items"].extend([client_error("TransactionInProgressException")] * 50)

        with pytest.raises(ConcurrentChangeError):
            dynamo.links.put(A, a_link())

    @pytest.mark.parametrize(
        ("reason", "expected"),
        [
            ("ThrottlingError", ProviderThrottledError),
            ("ProvisionedThroughputExceeded", CalsyncError),
            ("ItemCollectionSizeLimitExceeded", InputError),
            ("ValidationError", InstallationError),
        ],
    )
    def test_other_reasons_become_our_errors(self, dynamo: Stores, cloud: Cloud, reason: str, expected) -> None:
        reasons = [{"Code": reason}, {"Code": "None"}]
        cloud.before["transact_write_items"].append(
            client_error("TransactionCanceledException", CancellationReasons=reasons)
        )

        with pytest.raises(expected):
            dynamo.journeys.save_invitation(an_invitation())


class TestBatches:
    @pytest.mark.bad_input(38)
    def test_what_was_left_unprocessed_is_sent_again_and_nothing_else(self, dynamo: Stores, cloud: Cloud) -> None:
        written: list[str] = []

        def three_at_a_time(real: Callable[..., Any], request: dict[str, Any]) -> Any:
            ((name, items),) = request["RequestItems"].items()
            real(RequestItems={name: items[:3]})
            written.extend(one["PutRequest"]["Item"]["SK"]["S"] for one in items[:3])
            return {"UnprocessedItems": {name: items[3:]} if items[3:] else {}}

        cloud.instead["batch_write_item"] = three_at_a_time
        links = [a_link(f"e-{n}") for n in range(20)]

        saved = dynamo.links.put_many(A, links)

        assert len(written) == len(set(written)) == 40
        assert dynamo.links.by_entries(A, R, CAL, [link.entry_id for link in links]) == {
            link.entry_id: link for link in saved
        }

    def test_keys_left_unread_are_read_again(self, dynamo: Stores, cloud: Cloud) -> None:
        def three_at_a_time(real: Callable[..., Any], request: dict[str, Any]) -> Any:
            ((name, wanted),) = request["RequestItems"].items()
            keys = wanted["Keys"]
            answer = real(RequestItems={name: {**wanted, "Keys": keys[:3]}})
            return {**answer, "UnprocessedKeys": {name: {**wanted, "Keys": keys[3:]}} if keys[3:] else {}}

        saved = dynamo.links.put_many(A, [a_link(f"e-{n}") for n in range(10)])
        cloud.instead["batch_get_item"] = three_at_a_time

        assert len(dynamo.links.get(A, R, [link.ref for link in saved])) == 10

    def test_a_table_that_takes_nothing_is_throttling_not_success(self, dynamo: Stores, cloud: Cloud) -> None:
        cloud.instead["batch_write_item"] = lambda _, request: {"UnprocessedItems": request["RequestItems"]}

        with pytest.raises(ProviderThrottledError):
            dynamo.links.put_many(A, [a_link("e-1"), a_link("e-2")])

    def test_pauses_grow_and_end(self, cloud: Cloud, table: str) -> None:
        pauses: list[float] = []
        stores = dynamodb_stores(cloud, table, pause=pauses.append)
        cloud.instead["batch_write_item"] = lambda _, request: {"UnprocessedItems": request["RequestItems"]}

        with pytest.raises(ProviderThrottledError):
            stores.links.put_many(A, [a_link("e-1"), a_link("e-2")])

        assert len(pauses) == 8
        assert sum(pauses) < 6


class TestOversize:
    @pytest.mark.bad_input(38)
    def test_an_item_of_400_kb_is_refused_before_it_is_sent(self, dynamo: Stores, cloud: Cloud) -> None:
        with pytest.raises(AppointmentRejectedError) as refused:
            dynamo.links.put(A, a_link(booking_id=BookingId("ä" * 210_000)))

        assert refused.value.code == "item_too_large"
        assert cloud.names() == []
        with pytest.raises(InputError):
            dynamo.settings.save_account(A, replace(dynamo.settings.account(A), values={"active": "x" * 420_000}))

    def test_one_below_is_taken(self, dynamo: Stores) -> None:
        saved = dynamo.links.put(A, a_link(booking_id=BookingId("x" * 390_000)))

        assert dynamo.links.get(A, R, [saved.ref]) == {saved.ref: saved}

    def test_more_than_a_page_of_a_query_is_read_to_its_end(self, dynamo: Stores, cloud: Cloud) -> None:
        links = [a_link(f"e-{n:02d}", booking_id=BookingId("x" * 100_000)) for n in range(24)]
        saved = dynamo.links.put_many(A, links)
        cloud.names()

        assert list(dynamo.links.all(A, R)) == saved
        assert len(dynamo.links.overlapping(A, R, NOW, NOW + HOUR)) == 24
        assert cloud.names().count("query") > 4

    def test_a_key_that_is_too_long_is_refused(self, dynamo: Stores, cloud: Cloud) -> None:
        with pytest.raises(InputError) as refused:
            dynamo.settings.save_resource(A, ResourceId("r" * 3000), dynamo.settings.account(A))

        assert refused.value.code == "key_too_long"


class TestLaggingIndexes:
    """A global index that has not heard of the last writes may show too little, but decides about nothing."""

    def test_identity_is_never_asked_of_an_index(self, dynamo: Stores, cloud: Cloud) -> None:
        cloud.make_indexes_lag()
        dynamo.resources.save(a_state())
        connection = dynamo.connections.save(a_connection())
        link = dynamo.links.put(A, a_link())
        conflict = a_conflict()
        dynamo.conflicts.save(conflict)

        assert dynamo.connections.by_identity(A, IDENTITY) == connection
        with pytest.raises(MailboxTakenError):
            dynamo.connections.save(a_connection(MailboxId("other")))
        with pytest.raises(ConcurrentChangeError):
            dynamo.resources.save(a_state())
        assert dynamo.links.by_entries(A, R, CAL, [link.entry_id]) == {link.entry_id: link}
        assert dynamo.links.overlapping(A, R, NOW, NOW + HOUR) == [link]
        assert dynamo.conflicts.get(A, conflict.id) == conflict
        assert dynamo.conflicts.of_link(A, R, LinkRef("b-1")) == [conflict]
        assert dynamo.leases.take(A, R, NOW, NOW + HOUR) is not None
        assert dynamo.leases.take(A, R, NOW, NOW + HOUR) is None

    def test_lists_by_index_are_late_and_nothing_worse(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.resources.save(a_state())
        dynamo.conflicts.save(a_conflict())
        dynamo.due.schedule(Due("renewal", A, "m", NOW))
        cloud.make_indexes_lag()

        late = dynamo.resources.of_account(A), dynamo.conflicts.open(A), dynamo.due.due(NOW)
        assert late == ([], [], [])
        cloud.instead.clear()
        assert len(dynamo.resources.of_account(A)) == len(dynamo.conflicts.open(A)) == len(dynamo.due.due(NOW)) == 1

    def test_reads_of_one_partition_are_strongly_consistent(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.links.overlapping(A, R, NOW, NOW + HOUR)
        dynamo.links.get(A, R, [LinkRef("e-1")])
        dynamo.cursors.load(A, R)
        dynamo.resources.get(A, R)
        dynamo.conflicts.of_resource(A, R)

        for operation, request in cloud.calls:
            if operation == "batch_get_item":
                (request,) = request["RequestItems"].values()
            assert request["ConsistentRead"] is True


class TestExpiry:
    """DynamoDB deletes up to two days late; what has expired is not there for us."""

    @pytest.fixture
    def later(self, cloud: Cloud, table: str) -> Callable[[timedelta], Stores]:
        return lambda by: dynamodb_stores(cloud, table, pause=lambda _: None, now=(NOW + by).timestamp)

    def test_rows_that_expired_are_gone_though_the_table_holds_them(self, dynamo: Stores, later) -> None:
        dynamo.journeys.save_grant(a_grant())
        dynamo.journeys.save_sign_in(a_sign_in())
        dynamo.mails.note_message("m1", A, R, None)
        dynamo.log.journal(A, R, "run", [{"ref": "b-1"}])
        dynamo.links.note_seen(A, R, CAL, 1, 0, [LinkRef("e-1")])
        dynamo.conflicts.save(a_conflict(status=ConflictStatus.SETTLED, ended_at=NOW))

        soon, late = later(timedelta(minutes=1)), later(timedelta(days=100))

        assert soon.journeys.grant("c1", NOW) is not None
        assert late.journeys.grant("c1", NOW) is None
        assert soon.mails.by_message("m1") is not None
        assert late.mails.by_message("m1") is None
        assert soon.log.journalled(A, R, "run") != []
        assert late.log.journalled(A, R, "run") == []
        assert soon.links.seen(A, R, CAL, 1) != set()
        assert late.links.seen(A, R, CAL, 1) == set()
        assert len(soon.conflicts.of_resource(A, R)) == 1
        assert late.conflicts.of_resource(A, R) == []
        assert late.conflicts.get(A, a_conflict().id) is None

    def test_an_expired_invitation_can_still_be_named_for_a_month(self, dynamo: Stores, later) -> None:
        dynamo.journeys.save_invitation(an_invitation())

        assert later(timedelta(days=40)).journeys.invitation(an_invitation().token_hash) is not None
        assert later(timedelta(days=45)).journeys.invitation(an_invitation().token_hash) is None

    def test_an_open_conflict_never_expires(self, dynamo: Stores, later) -> None:
        dynamo.conflicts.save(a_conflict())

        assert later(timedelta(days=4000)).conflicts.of_resource(A, R) == [a_conflict()]


class TestSchema:
    @pytest.mark.parametrize("changes", [{"v": {"N": "99"}}, {"entity": {"S": "link"}}, {"v": None}])
    def test_an_item_of_a_newer_version_is_refused_clearly(self, dynamo, cloud: Cloud, table: str, changes) -> None:
        dynamo.resources.save(a_state())
        key = {"PK": {"S": f"ACC#{A}#RES#{R}"}, "SK": {"S": "STATE"}}
        item = {**cloud.get_item(TableName=table, Key=key)["Item"], **changes}
        cloud.put_item(TableName=table, Item={name: value for name, value in item.items() if value})

        with pytest.raises(InstallationError) as refused:
            dynamo.resources.get(A, R)

        assert refused.value.code == "schema_unknown"

    @pytest.mark.parametrize("doc", ["", "{}", "[]", '{"private": "secret title"}'])
    def test_a_text_that_is_no_such_value_is_refused_without_showing_it(self, dynamo, cloud, table, doc: str) -> None:
        dynamo.resources.save(a_state())
        link = dynamo.links.put(A, a_link())
        for sk in ("STATE", f"LINK#{link.ref}"):
            key = {"PK": {"S": f"ACC#{A}#RES#{R}"}, "SK": {"S": sk}}
            item = {**cloud.get_item(TableName=table, Key=key)["Item"], "doc": {"S": doc}}
            cloud.put_item(TableName=table, Item=item)

        for read in (lambda: dynamo.resources.get(A, R), lambda: list(dynamo.links.all(A, R))):
            with pytest.raises(InstallationError) as refused:
                read()
            assert refused.value.code == "schema_broken"
            assert "secret" not in str(refused.value)

    def test_every_item_says_what_it_is(self, dynamo: Stores, cloud: Cloud, table: str) -> None:
        dynamo.resources.save(a_state())
        dynamo.links.put(A, a_link())
        dynamo.connections.save(a_connection())
        dynamo.due.claim_minutes(1)

        items = cloud.scan(TableName=table)["Items"]

        assert len(items) == 7
        assert all({"entity", "v"} <= set(item) for item in items)


class TestCost:
    """Write units are paid per item and kilobyte, and again for the local index; so the sizes are held here."""

    GRAPH_ID = "AAMkAGI2TG93AAA=" * 10

    def link(self) -> Any:
        entry = EntryId(self.GRAPH_ID[:152])
        link = a_link("s-" + "a" * 32 + "-20260302T090000", entry_id=entry, series_id=entry, original_start_at=NOW)
        agreed = replace(link.calendar, version="W/" + "x" * 40, time="f" * 32, rest="f" * 32)
        return replace(link, calendar_id=self.GRAPH_ID[:152], calendar=agreed, host=agreed)

    def test_the_largest_usual_link_fits_into_one_write_unit(self, dynamo: Stores, cloud: Cloud, table: str) -> None:
        dynamo.links.put(A, self.link())
        cloud.names()

        stored = next(one for one in cloud.scan(TableName=table)["Items"] if one["entity"]["S"] == "link")

        assert sum(len(name) + len(next(iter(value.values()))) for name, value in stored.items()) <= 1024

    def test_one_change_writes_one_item_and_a_moved_entry_three(self, dynamo: Stores, cloud: Cloud) -> None:
        link = dynamo.links.put(A, self.link())
        cloud.names()

        link = dynamo.links.put(A, replace(link, writes=1))
        assert cloud.names() == ["put_item"]

        dynamo.links.put(A, replace(link, entry_id=EntryId("new")))
        ((operation, request),) = cloud.calls
        assert operation == "transact_write_items"
        assert [next(iter(one)) for one in request["TransactItems"]] == ["Put", "Put", "Delete"]

    def test_a_store_that_never_read_the_link_needs_a_second_try_and_no_more(self, dynamo, cloud, table) -> None:
        link = dynamo.links.put(A, a_link(entry_id=None))
        fresh = dynamodb_stores(cloud, table)
        cloud.names()

        saved = fresh.links.put(A, replace(link, entry_id=EntryId("new")))

        assert cloud.names() == ["put_item", "transact_write_items"]
        assert fresh.links.by_entries(A, R, CAL, [EntryId("new")]) == {"new": saved}

    def test_a_check_is_one_query_and_one_write(self, dynamo: Stores, cloud: Cloud, table: str) -> None:
        dynamo.resources.save(a_state())
        lease = dynamo.leases.take(A, R, NOW, NOW + MINUTE)
        row = a_cursor(CAL, "x" * 400)
        dynamo.cursors.store(lease, row)
        cloud.names()

        noted = dynamo.cursors.load(A, R)[CAL]
        dynamo.cursors.store_after_check(A, R, replace(noted, cursor="y" * 400), noted)

        assert cloud.names() == ["query", "put_item"]
        stored = next(one for one in cloud.scan(TableName=table)["Items"] if one["entity"]["S"] == "cursor")
        assert len(json.dumps(stored)) <= 1024

    def test_the_webhook_reads_one_item(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.connections.subscription("unknown")

        assert cloud.names() == ["get_item"]

    def test_a_run_without_work_writes_three_small_items(self, dynamo: Stores, cloud: Cloud) -> None:
        dynamo.resources.save(a_state())
        cloud.names()

        dynamo.leases.wish(A, R)
        dynamo.leases.give_back(dynamo.leases.take(A, R, NOW, NOW + MINUTE))

        assert cloud.names() == ["update_item"] * 3


def test_the_webhooks_look_up_loads_no_pydantic() -> None:
    """It starts cold most often of all functions (design.md section 8)."""
    modules = "calsync_core.bootstrap.clients, calsync_core.adapters.dynamodb.subscriptions"
    program = f"import sys, {modules}, calsync_core.adapters.aws.queue; print('pydantic' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"

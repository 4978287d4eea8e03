"""What every mailer, queue, importer, sealer, clock and source of ids promises."""

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from calsync_core.domain.errors import AppointmentRejectedError, InstallationError
from calsync_core.domain.ids import ResourceId
from calsync_core.ports.outward import Clock, Ids, Importer, Mail, Mailer, Queue, Sealer, Wish

from tests.contract.examples import A, B, R


def a_mail(to: str = "anna@example.com", subject: str = "Café Müller: connect", **more) -> Mail:
    return Mail(to, subject, "Hello Änna", "<p>Hello Änna</p>", "invitation", **more)


class MailerContract:
    """Subclasses give the fixture `mailer`."""

    def test_every_mail_has_an_id_of_its_own(self, mailer: Mailer) -> None:
        first, second = mailer.send(a_mail()), mailer.send(a_mail(may_unsubscribe=True))

        assert first
        assert first != second

    @pytest.mark.parametrize(
        "mail",
        [
            a_mail(subject="Hello\r\nBcc: everybody@example.com"),
            a_mail(subject="Hello\x00"),
            a_mail(subject=""),
            a_mail(to="anna@example.com\nBcc: everybody@example.com"),
            a_mail(to="anna@example.com, ben@example.com"),
            a_mail(to="Anna <anna@example.com>"),
            a_mail(to="anna"),
            a_mail(to=""),
        ],
        ids=lambda mail: f"{mail.to!r} {mail.subject!r}",
    )
    def test_what_could_reach_somebody_else_is_refused(self, mailer: Mailer, mail: Mail) -> None:
        with pytest.raises(AppointmentRejectedError) as refused:
            mailer.send(mail)

        assert refused.value.code == "mail_refused"
        assert "@" not in str(refused.value)


class SealerContract:
    """Subclasses give the fixture `sealer`."""

    @pytest.mark.parametrize("plain", [b"", b"token", bytes(range(256)) * 400])
    def test_what_was_sealed_opens_for_the_same_account_and_context(self, sealer: Sealer, plain: bytes) -> None:
        assert sealer.unseal(A, sealer.seal(A, plain, "credentials|m1|1"), "credentials|m1|1") == plain

    @pytest.mark.parametrize(("account", "context"), [(B, "m1|1"), (A, "m1|2"), (A, "m2|1"), (A, "")])
    def test_it_opens_for_nobody_else(self, sealer: Sealer, account, context) -> None:
        sealed = sealer.seal(A, b"token", "m1|1")

        with pytest.raises(InstallationError) as failed:
            sealer.unseal(account, sealed, context)

        assert failed.value.code == "unsealing_failed"

    @pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(40), bytes(60)])
    def test_what_was_never_sealed_does_not_open(self, sealer: Sealer, sealed: bytes) -> None:
        with pytest.raises(InstallationError):
            sealer.unseal(A, sealed, "m1|1")


class QueueContract:
    """Subclasses give the fixtures `queue` and `received`: a function that takes what has arrived."""

    def test_a_wish_arrives_as_it_was_sent(self, queue: Queue, received: Callable[[], list[Wish]]) -> None:
        wishes = [Wish(A, ResourceId("ä|\n"), "button"), Wish(B, R, "lifecycle", "m1/hash")]
        for wish in wishes:
            queue.wish(wish)

        assert sorted(received(), key=lambda wish: wish.cause) == wishes

    def test_two_equal_wishes_are_two(self, queue: Queue, received: Callable[[], list[Wish]]) -> None:
        for _ in range(2):
            queue.wish(Wish(A, R, "notification"))

        assert received() == [Wish(A, R, "notification")] * 2


class ImporterContract:
    """Subclasses give the fixtures `importer` and `started`: a function that counts what was started."""

    @pytest.mark.parametrize("cause", ["import", "full"])
    def test_what_takes_long_is_started_once(self, importer: Importer, started: Callable[[], int], cause: str) -> None:
        for account, run in [(A, "1"), (A, "1"), (A, "2"), (B, "1"), (B, "1")]:
            importer.start(Wish(account, R, cause), run)

        assert started() == 3

    def test_an_import_and_a_full_check_are_two(self, importer: Importer, started: Callable[[], int]) -> None:
        importer.start(Wish(A, R, "import"), "1")
        importer.start(Wish(A, R, "full"), "1")

        assert started() == 2

    @pytest.mark.parametrize("cause", ["notification", "host", "button", "sweep", "lifecycle"])
    def test_a_change_is_started_each_time(self, importer: Importer, started: Callable[[], int], cause: str) -> None:
        for _ in range(2):
            importer.start(Wish(A, R, cause), "1")

        assert started() == 2


class ClockContract:
    def test_it_tells_aware_utc_and_never_goes_back(self, clock: Clock) -> None:
        first, second = clock.now(), clock.now()

        assert first.tzinfo is UTC
        assert timedelta(0) <= second - first < timedelta(minutes=1)


class IdsContract:
    def test_ids_are_long_url_safe_and_never_the_same(self, ids: Ids) -> None:
        tokens, shorts = {ids.token() for _ in range(500)}, {ids.short() for _ in range(500)}

        assert len(tokens) == len(shorts) == 500
        assert {len(one) for one in tokens} == {43}
        assert {len(one) for one in shorts} == {22}
        assert all(one.replace("-", "a").replace("_", "a").isalnum() for one in tokens | shorts)

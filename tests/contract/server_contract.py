"""What the stores of Exchange servers, apps, access codes and counted tries promise."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.apps import AccessCode, AccountApps, AppRule, CalendarKind, Unlocked
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import RoleAccountId, ServerId
from calsync_core.domain.role_accounts import AppKey, RoleAccess, RoleAccount
from calsync_core.domain.servers import KnownServer, ServiceAccess, ServiceLogin
from calsync_core.ports.stores import Stores

from tests.contract.examples import HOUR, NOW, A, B

EXCHANGE = ProviderKind.EXCHANGE
LIMIT = 3


def a_server(id_: str = "s1", title: str = "Head office") -> KnownServer:
    return KnownServer(ServerId(id_), A, title, "mail.clinic.example", ("clinic.example",), ca_pem="PEM")


class ServerContract:
    def test_a_server_comes_back_as_it_was_saved(self, stores: Stores) -> None:
        service = ServiceLogin("svc@clinic.example", "CLINIC\\svc", ServiceAccess.IMPERSONATION)
        saved = stores.servers.save(replace(a_server(), service=service, tested_at=NOW, schemes="NTLM"))

        assert saved.version == 1
        assert stores.servers.get(A, ServerId("s1")) == saved
        assert stores.servers.get(B, ServerId("s1")) is None

    def test_an_account_has_several_by_title_and_sees_only_its_own(self, stores: Stores) -> None:
        for server in (a_server("s1", "north"), a_server("s2", "East"), replace(a_server("s3"), account=B)):
            stores.servers.save(server)

        assert [one.title for one in stores.servers.of_account(A)] == ["East", "north"]

    def test_of_two_who_change_a_server_one_wins(self, stores: Stores) -> None:
        saved = stores.servers.save(a_server())
        stores.servers.save(replace(saved, title="first"))

        with pytest.raises(ConcurrentChangeError):
            stores.servers.save(replace(saved, title="second"))
        with pytest.raises(ConcurrentChangeError):
            stores.servers.save(a_server())
        with pytest.raises(ConcurrentChangeError):
            stores.servers.delete(saved)

        found = stores.servers.get(A, ServerId("s1"))
        assert found is not None
        assert found.title == "first"

    def test_a_deleted_server_is_gone_and_deleting_twice_is_no_error(self, stores: Stores) -> None:
        saved = stores.servers.save(a_server())

        stores.servers.delete(saved)
        stores.servers.delete(saved)

        assert stores.servers.get(A, ServerId("s1")) is None
        assert stores.servers.of_account(A) == []


def a_role(id_: str = "r1", title: str = "Everybody") -> RoleAccount:
    return RoleAccount(
        RoleAccountId(id_),
        A,
        title,
        ProviderKind.OFFICE365,
        ("clinic.example", "lab.example"),
        directory="6a1f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11",
        client_id="0c0f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11",
        key=AppKey.CERTIFICATE,
        certificate="PEM",
        acts_for="office@clinic.example",
        expires_at=NOW + HOUR,
    )


class RoleAccountContract:
    def test_a_role_account_comes_back_as_it_was_saved(self, stores: Stores) -> None:
        saved = stores.role_accounts.save(replace(a_role(), passed_at=NOW, tested_at=NOW, tried_on="a@clinic.example"))
        on_prem = stores.role_accounts.save(
            RoleAccount(
                RoleAccountId("r2"), A, "Hybrid", EXCHANGE, server=ServerId("s1"), access=RoleAccess.IMPERSONATION
            )
        )

        assert saved.version == 1
        assert stores.role_accounts.get(A, RoleAccountId("r1")) == saved
        assert stores.role_accounts.get(A, RoleAccountId("r2")) == on_prem
        assert stores.role_accounts.get(B, RoleAccountId("r1")) is None

    def test_an_account_has_several_by_title_and_sees_only_its_own(self, stores: Stores) -> None:
        for role in (a_role("r1", "north"), a_role("r2", "East"), replace(a_role("r3"), account=B)):
            stores.role_accounts.save(role)

        assert [one.title for one in stores.role_accounts.of_account(A)] == ["East", "north"]

    def test_of_two_who_change_a_role_account_one_wins(self, stores: Stores) -> None:
        saved = stores.role_accounts.save(a_role())
        stores.role_accounts.save(replace(saved, title="first"))

        with pytest.raises(ConcurrentChangeError):
            stores.role_accounts.save(replace(saved, title="second"))
        with pytest.raises(ConcurrentChangeError):
            stores.role_accounts.save(a_role())
        with pytest.raises(ConcurrentChangeError):
            stores.role_accounts.delete(saved)

        found = stores.role_accounts.get(A, RoleAccountId("r1"))
        assert found is not None
        assert found.title == "first"

    def test_a_deleted_role_account_is_gone_and_deleting_twice_is_no_error(self, stores: Stores) -> None:
        saved = stores.role_accounts.save(a_role())

        stores.role_accounts.delete(saved)
        stores.role_accounts.delete(saved)

        assert stores.role_accounts.of_account(A) == []


def a_code(code_hash: str = "hash") -> AccessCode:
    return AccessCode(A, EXCHANGE, code_hash, NOW, NOW + HOUR)


class AppContract:
    def test_an_account_begins_with_the_defaults(self, stores: Stores) -> None:
        assert stores.apps.get(A) == AccountApps(A)

    def test_what_is_saved_comes_back(self, stores: Stores) -> None:
        apps = AccountApps(A, ((EXCHANGE, AppRule.CODE),), (Unlocked(EXCHANGE, NOW, "me"),), CalendarKind.ANY)

        assert stores.apps.save(apps) == replace(apps, version=1)
        assert stores.apps.get(A) == replace(apps, version=1)
        assert stores.apps.get(B) == AccountApps(B)
        with pytest.raises(ConcurrentChangeError):
            stores.apps.save(apps)

    def test_a_code_opens_once(self, stores: Stores) -> None:
        stores.apps.add_code(a_code())
        wanted = replace(stores.apps.get(A), unlocked=(Unlocked(EXCHANGE, NOW, "me"),))

        saved = stores.apps.redeem("hash", wanted, NOW)

        assert saved == stores.apps.get(A)
        assert saved is not None
        assert saved.unlocked
        assert stores.apps.code(A, "hash", NOW) is None
        assert stores.apps.redeem("hash", saved, NOW) is None

    def test_a_code_is_of_its_account_and_ends(self, stores: Stores) -> None:
        stores.apps.add_code(a_code())

        assert stores.apps.code(A, "hash", NOW) == a_code()
        assert stores.apps.code(B, "hash", NOW) is None
        assert stores.apps.redeem("hash", AccountApps(B), NOW) is None
        assert stores.apps.code(A, "hash", NOW + HOUR) is None
        assert stores.apps.redeem("hash", AccountApps(A), NOW + HOUR) is None
        assert stores.apps.get(A) == AccountApps(A)

    def test_a_change_at_the_same_moment_does_not_cost_the_code(self, stores: Stores) -> None:
        stores.apps.add_code(a_code())
        stale = stores.apps.get(A)
        stores.apps.save(stale)

        with pytest.raises(ConcurrentChangeError):
            stores.apps.redeem("hash", stale, NOW)

        assert stores.apps.code(A, "hash", NOW) is not None

    def test_of_ten_who_use_a_code_at_once_one_does(self, stores: Stores) -> None:
        stores.apps.add_code(a_code())

        def redeem(_n: int) -> bool:
            try:
                return stores.apps.redeem("hash", AccountApps(A), NOW) is not None
            except ConcurrentChangeError:
                return False

        with ThreadPoolExecutor(10) as pool:
            assert sum(pool.map(redeem, range(10))) == 1


class AttemptContract:
    def begin(self, stores: Stores, minutes: int = 0, what: str = "secret") -> bool:
        now = NOW + timedelta(minutes=minutes)
        return stores.attempts.begin(A, what, LIMIT, timedelta(minutes=15), now) is None

    def test_the_last_try_says_until_when(self, stores: Stores) -> None:
        assert [self.begin(stores, minutes) for minutes in (0, 5, 10)] == [True] * 3

        until = NOW + timedelta(minutes=25)
        assert stores.attempts.begin(A, "secret", LIMIT, timedelta(minutes=15), NOW + timedelta(minutes=24)) == until
        assert stores.attempts.blocked_until(A, "secret", LIMIT, NOW + timedelta(minutes=24)) == until
        assert stores.attempts.blocked_until(A, "secret", LIMIT, until) is None
        assert self.begin(stores, 25)

    def test_a_refused_try_makes_the_stop_no_longer(self, stores: Stores) -> None:
        assert [self.begin(stores) for _ in range(5)] == [True, True, True, False, False]
        assert not self.begin(stores, 14)
        assert self.begin(stores, 15)

    def test_secrets_and_accounts_are_counted_apart(self, stores: Stores) -> None:
        for _ in range(LIMIT):
            assert self.begin(stores)

        assert self.begin(stores, what="other")
        assert stores.attempts.begin(B, "secret", LIMIT, HOUR, NOW) is None

    def test_a_try_that_was_none_does_not_count(self, stores: Stores) -> None:
        stores.attempts.withdraw(A, "secret")
        for _ in range(5):
            assert self.begin(stores)
            stores.attempts.withdraw(A, "secret")

        assert [self.begin(stores) for _ in range(4)] == [True, True, True, False]

    def test_the_right_secret_ends_the_count(self, stores: Stores) -> None:
        for _ in range(LIMIT):
            self.begin(stores)

        stores.attempts.forget(A, "secret")
        stores.attempts.forget(A, "secret")

        assert stores.attempts.blocked_until(A, "secret", LIMIT, NOW) is None
        assert self.begin(stores)

    def test_of_ten_at_once_three_may_try(self, stores: Stores) -> None:
        with ThreadPoolExecutor(10) as pool:
            assert sum(pool.map(lambda _n: self.begin(stores), range(10))) == LIMIT

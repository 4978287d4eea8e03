"""Sign-in at Microsoft against the sandbox: the pages, each kind of refusal, tokens that expire and are revoked."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from calsync_core.adapters.graph.access import GraphAccess
from calsync_core.adapters.graph.auth import GraphSignIn
from calsync_core.adapters.graph.tokens import MailboxTokens, PassingCache, StoredCache
from calsync_core.adapters.memory.connections import MemoryTokenStore
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.domain.errors import (
    AdminApprovalError,
    ConcurrentChangeError,
    ConsentRevokedError,
    InstallationError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from calsync_core.domain.ids import AccountId, MailboxId

from tests.contract.microsoft import PASSWORD, REDIRECT, SCOPES, Microsoft, Person, walk

ACCOUNT, MAILBOX = AccountId("main"), MailboxId("mbx-1")
STATE = "x" * 43


class Store:
    """Sealed caches, as the store keeps them; `rival` refreshes just before our next save."""

    def __init__(self, cache: bytes) -> None:
        self.row: tuple[bytes, int] | None = (cache, 1)
        self.rival: bytes | None = None
        self.loads = self.saves = 0

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes, int] | None:
        self.loads += 1
        return self.row

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expected: int) -> int:
        self.saves += 1
        assert self.row is not None
        if self.rival is not None:
            self.row, self.rival = (self.rival, self.row[1] + 1), None
        if expected != self.row[1]:
            raise ConcurrentChangeError
        self.row = (plain, expected + 1)
        return expected + 1

    def delete(self, account: AccountId, mailbox: MailboxId) -> None:
        self.row = None


@pytest.fixture
def person(microsoft: Microsoft) -> Person:
    return microsoft.add_person()


@pytest.fixture
def door(microsoft: Microsoft) -> GraphSignIn:
    return GraphSignIn(microsoft.app())


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def token_posts(microsoft: Microsoft, since: int) -> int:
    return len([one for one in microsoft.log(since) if one["path"].endswith("/oauth2/v2.0/token")])


# -- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.complaint(32)
def test_the_page_is_asked_for_with_everything_that_protects_the_round_trip(door: GraphSignIn, person: Person) -> None:
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    query = asked(begun.url)

    assert query["response_mode"] == "query"
    assert query["prompt"] == "select_account"
    assert query["login_hint"] == person.email
    assert query["state"] == STATE
    assert query["code_challenge_method"] == "S256"
    assert query["nonce"]
    assert set(query["scope"].split()) == set(SCOPES)
    assert not any("://" in scope for scope in query["scope"].split())
    assert json.loads(begun.flow)["code_verifier"] not in begun.url


def test_who_signed_in_is_told_by_ids_and_addresses(door: GraphSignIn, person: Person, microsoft: Microsoft) -> None:
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    signed_in = door.finish(begun.flow, walk(begun.url, person.email))

    assert signed_in.identity.directory == microsoft.tenant
    assert signed_in.identity.subject == person.shown["id"]
    assert signed_in.address == person.email
    assert signed_in.addresses == (person.email,)
    assert MailboxTokens(microsoft.app(), PassingCache(signed_in.cache)).identity() == signed_in.identity


def test_a_personal_account_signs_in_by_the_same_door(door: GraphSignIn, microsoft: Microsoft) -> None:
    person = microsoft.add_person(email=f"paul{microsoft.log_id()}@outlook.com", display_name="Paul")
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    signed_in = door.finish(begun.flow, walk(begun.url, person.email))
    assert signed_in.identity.directory == "9188040d-6c67-4c5b-b112-36a304b66dad"  # of all personal accounts
    tokens = MailboxTokens(microsoft.app(), PassingCache(signed_in.cache))
    assert tokens() == tokens()


def test_declining_is_a_refusal_of_the_person(door: GraphSignIn, microsoft: Microsoft) -> None:
    person = microsoft.add_person(email=f"anna{microsoft.log_id()}@outlook.com", display_name="Anna")
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    with pytest.raises(SignInRefusedError, match="declined"):
        door.finish(begun.flow, walk(begun.url, person.email, consent="cancel"))


def test_trap_11_where_only_an_administrator_may_consent_he_is_asked_for(
    door: GraphSignIn, microsoft: Microsoft
) -> None:
    domain = f"strict{microsoft.log_id()}.example"
    microsoft.control("POST", "/tenants", {"name": "Strict", "domains": [domain], "consent_policy": "admin"})
    person = microsoft.add_person(email=f"max@{domain}", display_name="Max")
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    with pytest.raises(AdminApprovalError):
        door.finish(begun.flow, walk(begun.url, person.email))

    url = door.admin_consent_url(state=STATE, redirect_uri=REDIRECT)
    assert asked(url)["state"] == STATE
    assert "/organizations/v2.0/adminconsent?" in url
    admin = microsoft.add_person(email=f"boss@{domain}", display_name="Boss", is_admin=True)
    answer = walk(url.replace(microsoft.addresses["login"], _people(microsoft)), admin.email)
    assert answer["admin_consent"] == "True"
    again = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    assert door.finish(again.flow, walk(again.url, person.email)).address == person.email


def _people(microsoft: Microsoft) -> str:
    parts = urlsplit(microsoft.addresses["outlook_url"])
    return f"{parts.scheme}://{parts.netloc}"


def test_a_code_is_good_once(door: GraphSignIn, person: Person) -> None:
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    answer = walk(begun.url, person.email)
    door.finish(begun.flow, answer)
    with pytest.raises(SignInRefusedError, match="sign_in_again"):
        door.finish(begun.flow, answer)


@pytest.mark.parametrize("change", [{"state": "y" * 43}, {"code": "stolen"}])
def test_an_answer_that_is_not_ours_is_refused(door: GraphSignIn, person: Person, change: dict[str, str]) -> None:
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    answer = walk(begun.url, person.email)
    with pytest.raises(SignInRefusedError):
        door.finish(begun.flow, {**answer, **change})


def test_a_code_of_another_round_trip_is_refused(door: GraphSignIn, person: Person) -> None:
    """PKCE: the verifier of our flow does not fit the challenge of the other."""
    ours = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    theirs = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    with pytest.raises(SignInRefusedError):
        door.finish(ours.flow, walk(theirs.url, person.email))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-app"},
        {"iss": "https://evil.example/{tid}/v2.0"},
        {"tid": "another-tenant"},
        {"tid": ""},
        {"oid": ""},
        {"exp": 0},
        {"exp": "soon"},
    ],
)
def test_an_id_token_that_does_not_fit_is_refused(microsoft: Microsoft, claims: dict[str, Any]) -> None:
    """msal looks at the nonce alone (graph.md 2.9), so these are our own checks."""
    door = GraphSignIn(microsoft.app(), clock=lambda: 1_800_000_000)
    login = microsoft.addresses["login"]
    good = {
        "aud": microsoft.client_id,
        "iss": f"{login}/tenant-1/v2.0",
        "tid": "tenant-1",
        "oid": "person-1",
        "exp": 1_800_000_100,
    }
    assert door._checked(good) == ("tenant-1", "person-1")
    with pytest.raises(SignInRefusedError, match="token_invalid"):
        door._checked({**good, **claims})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (53003, SignInRefusedError), (7000222, InstallationError), (7000215, InstallationError),
        (90033, ProviderUnavailableError), (700016, AdminApprovalError), (90094, AdminApprovalError),
    ],
)  # fmt: skip
def test_a_code_that_cannot_be_redeemed(
    door: GraphSignIn, person: Person, microsoft: Microsoft, code: int, kind: type[Exception]
) -> None:
    begun = door.begin(state=STATE, redirect_uri=REDIRECT, login_hint=person.email)
    answer = walk(begun.url, person.email)
    microsoft.control("POST", f"/people/{person.email}/token-faults", {"code": code, "times": 1})
    with pytest.raises(kind):
        door.finish(begun.flow, answer)


def test_without_a_registration_the_stack_says_what_is_missing(microsoft: Microsoft) -> None:
    for app in (microsoft.app(client_id=""), microsoft.app(secret=lambda: "")):
        with pytest.raises(InstallationError, match="entra_missing"):
            GraphSignIn(app).begin(state=STATE, redirect_uri=REDIRECT, login_hint="a@b.example")
    with pytest.raises(InstallationError, match="entra_missing"):
        GraphSignIn(microsoft.app(client_id="")).admin_consent_url(state=STATE, redirect_uri=REDIRECT)


def test_a_sign_in_service_that_is_not_there_is_tried_later(microsoft: Microsoft) -> None:
    door = GraphSignIn(microsoft.app(login_url="https://127.0.0.1:9"))
    with pytest.raises(ProviderUnavailableError):
        door.begin(state=STATE, redirect_uri=REDIRECT, login_hint="a@b.example")


# -- tokens of a connection ---------------------------------------------------------------------------------------


def test_a_good_token_needs_no_request_and_no_write(microsoft: Microsoft, person: Person) -> None:
    store = Store(person.sign_in().cache)
    since = microsoft.log_id()
    for _ in range(3):
        assert MailboxTokens(microsoft.app(), StoredCache(store, ACCOUNT, MAILBOX))()
    assert store.saves == 0
    assert [one for one in microsoft.log(since) if "/oauth2/" in one["path"] or "openid" in one["path"]] == []


@pytest.mark.complaint(2)
def test_an_expired_token_is_refreshed_once_and_stored(microsoft: Microsoft, person: Person) -> None:
    store = Store(person.sign_in().cache)
    since = microsoft.log_id()
    late = microsoft.app()
    tokens = MailboxTokens(late, StoredCache(store, ACCOUNT, MAILBOX), clock=lambda: time.time() + 5_200)
    first = tokens(True)
    assert token_posts(microsoft, since) == 1
    assert store.saves == 1
    assert store.row is not None
    assert first in store.row[0].decode()
    assert MailboxTokens(late, StoredCache(store, ACCOUNT, MAILBOX))() == first
    assert token_posts(microsoft, since) == 1


@pytest.mark.complaint(3)
@pytest.mark.bad_input(22)
@pytest.mark.complaint(2)
def test_who_loses_the_race_keeps_the_winners_cache_and_goes_on(microsoft: Microsoft, person: Person) -> None:
    cache = person.sign_in().cache
    winner = Store(cache)
    MailboxTokens(microsoft.app(), StoredCache(winner, ACCOUNT, MAILBOX))(True)
    store = Store(cache)
    assert winner.row is not None
    store.rival = winner.row[0]
    tokens = MailboxTokens(microsoft.app(), StoredCache(store, ACCOUNT, MAILBOX))

    assert tokens(True)
    assert store.row == (winner.row[0], 2)
    assert tokens(True)  # from the winner's cache, with its version
    assert store.row[1] == 3


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        (50173, ConsentRevokedError, "auth_expired"), (700082, ConsentRevokedError, "auth_expired"),
        (50076, ConsentRevokedError, "auth_expired"), (70043, ConsentRevokedError, "auth_expired"),
        (65001, AdminApprovalError, "auth_admin_approval"), (53003, AdminApprovalError, "blocked_by_organisation"),
        (7000222, InstallationError, "entra_secret_expired"), (7000215, InstallationError, "entra_secret_wrong"),
        (90033, ProviderUnavailableError, "sign_in_unavailable"),
    ],
)  # fmt: skip
def test_a_refresh_that_is_refused_says_who_must_act(
    microsoft: Microsoft, person: Person, code: int, kind: type[Exception], ours: str
) -> None:
    store = Store(person.sign_in().cache)
    microsoft.control("POST", f"/people/{person.email}/token-faults", {"code": code})
    with pytest.raises(kind) as caught:
        MailboxTokens(microsoft.app(), StoredCache(store, ACCOUNT, MAILBOX))(True)
    assert type(caught.value) is kind
    assert caught.value.code == ours  # type: ignore[attr-defined]
    assert store.row is not None  # a refusal forgets nothing


def test_trap_10_after_a_repair_a_person_need_not_wait_for_a_remembered_refusal(
    microsoft: Microsoft, person: Person
) -> None:
    """msal repeats a refusal of the last minute from memory; what a person starts asks anew."""
    store, app = Store(person.sign_in().cache), microsoft.app()
    microsoft.control("POST", f"/people/{person.email}/token-faults", {"code": 50173})
    with pytest.raises(ConsentRevokedError):
        MailboxTokens(app, StoredCache(store, ACCOUNT, MAILBOX))(True)
    microsoft.control("DELETE", f"/people/{person.email}/token-faults")
    assert MailboxTokens(app, StoredCache(store, ACCOUNT, MAILBOX), is_fresh=True)(True)


@pytest.mark.parametrize("row", [None, b"{}", b"not json", b'{"AccessToken": {}}'])
def test_a_connection_without_tokens_must_be_made_anew(microsoft: Microsoft, row: bytes | None) -> None:
    store = Store(row or b"")
    if row is None:
        store.row = None
    with pytest.raises(ConsentRevokedError, match="auth_missing"):
        MailboxTokens(microsoft.app(), StoredCache(store, ACCOUNT, MAILBOX))()


def test_a_mailbox_is_opened_without_network_and_works(microsoft: Microsoft, person: Person) -> None:
    signed_in = person.sign_in()
    access = GraphAccess(microsoft.app(), microsoft.graph, Store(signed_in.cache))
    since = microsoft.log_id()
    waiting, stored = access.of_grant(ACCOUNT, signed_in.cache), access.of_mailbox(ACCOUNT, MAILBOX)
    assert microsoft.log(since) == []

    for provider in (waiting, stored):
        account = provider.account()
        assert account.identity == signed_in.identity
        assert account.address == person.email
    assert PASSWORD not in repr(access)


# -- the access token, a small item of its own --------------------------------------------------------------------


class Kept:
    """A cache and a token store beside it, as processes see them one after the other."""

    def __init__(self, microsoft: Microsoft, cache: bytes) -> None:
        self.microsoft = microsoft
        self.caches = Store(cache)
        self.tokens = MemoryTokenStore(PlainSealer())

    def process(self) -> MailboxTokens:
        return MailboxTokens(self.microsoft.app(), StoredCache(self.caches, ACCOUNT, MAILBOX, self.tokens))

    def stored(self) -> str | None:
        plain, _ = self.tokens.load(ACCOUNT, MAILBOX)
        return None if plain is None else str(json.loads(plain)["token"])

    def grow_old(self, days: float) -> None:
        """The refresh token was written so long ago."""
        assert self.caches.row is not None
        fields = json.loads(self.caches.row[0])
        for one in fields["RefreshToken"].values():
            one["last_modification_time"] = str(int(time.time() - days * 24 * 3600))
        self.caches.row = json.dumps(fields).encode(), self.caches.row[1]


@pytest.fixture
def kept(microsoft: Microsoft, person: Person) -> Kept:
    return Kept(microsoft, person.sign_in().cache)


def test_who_needs_no_new_token_never_reads_the_cache(kept: Kept) -> None:
    first = kept.process()()
    assert kept.caches.loads == 1, "after a sign-in the first token stands only in the cache"

    assert [kept.process()() for _ in range(3)] == [first] * 3

    assert (kept.caches.loads, kept.caches.saves) == (1, 0)
    assert kept.stored() == first


def test_a_renewal_writes_the_small_item_and_the_cache_once_a_week(kept: Kept) -> None:
    seen = {kept.process()()}
    for days in (0, 2, 5.9):
        kept.grow_old(days)
        seen.add(kept.process()(True))
        assert kept.stored() in seen
    assert len(seen) == 4
    assert kept.caches.saves == 0, "the refresh token before is as good: nothing need be rewritten"

    kept.grow_old(6)
    kept.process()(True)
    kept.process()(True)

    assert kept.caches.saves == 1


class _CutOffError(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("part", ["tokens", "caches"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_either_write_is_harmless(
    kept: Kept, part: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    kept.process()()
    kept.grow_old(7)  # both are written
    save = getattr(kept, part).save

    def cut_off(*given: Any) -> Any:
        if moment == "after":
            save(*given)
        raise _CutOffError

    with monkeypatch.context() as patch:
        patch.setattr(getattr(kept, part), "save", cut_off)
        tokens = kept.process()
        with pytest.raises(_CutOffError):
            tokens(True)
    since = kept.microsoft.log_id()

    assert kept.process()() == kept.stored()
    assert token_posts(kept.microsoft, since) == 0, "what stands is as good as it was"
    assert kept.process()(True) == kept.stored(), "and the refresh token that stands still opens the door"
    assert kept.caches.saves == 1, "rewritten once, now or before"


def test_a_token_that_microsoft_does_not_take_any_more_is_renewed_from_the_cache(
    kept: Kept, microsoft: Microsoft, person: Person
) -> None:  # fmt: skip
    """A restored table, a changed password: what the item says about its own life decides nothing."""
    stale = {"token": "of-a-table-restored", "expires_at": time.time() + 3000, "client_id": microsoft.client_id}
    kept.tokens.save(ACCOUNT, MAILBOX, json.dumps(stale).encode(), datetime.now(UTC) + timedelta(hours=1), 0)
    access = GraphAccess(microsoft.app(), microsoft.graph, kept.caches, kept.tokens)

    assert access.of_mailbox(ACCOUNT, MAILBOX).account().address == person.email

    assert kept.stored() not in {None, "of-a-table-restored"}


def test_a_token_of_another_registration_is_not_used(kept: Kept) -> None:
    foreign = {"token": "foreign", "expires_at": time.time() + 3000, "client_id": "another"}
    kept.tokens.save(ACCOUNT, MAILBOX, json.dumps(foreign).encode(), datetime.now(UTC) + timedelta(hours=1), 0)

    assert kept.process()() != "foreign"
    assert kept.stored() != "foreign"


def test_who_disconnects_during_a_renewal_leaves_no_token_behind(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    kept.process()()
    load = kept.caches.load

    def load_then_forget(*given: Any) -> Any:
        row = load(*given)
        kept.caches.delete(ACCOUNT, MAILBOX)
        kept.tokens.forget(ACCOUNT, MAILBOX)
        return row

    monkeypatch.setattr(kept.caches, "load", load_then_forget)
    assert kept.process()(True)

    assert kept.stored() is None
    monkeypatch.undo()
    with pytest.raises(ConsentRevokedError, match="auth_missing"):
        kept.process()()

"""The key layout of the table, and the only place where keys are built.

    PK                              SK                                  what, and what is special
    ------------------------------- ----------------------------------- ---------------------------------------------
    ACC#<account>                   SETTINGS                            defaults of the account
                                    DATA_KEY                            its sealed KMS data key, put once
                                    FIRST_ADMIN                         claim, put once
                                    API_KEY#<id>                        beside KEY#<hash>, for the list
                                    AGREED#<instant>#<hash>             who agreed to which texts
                                    SERVER#<id>                         an Exchange server
                                    ROLE_ACCOUNT#<id>                   account that looks up free and busy times
                                    APPS                                what the account may use; used access codes
                                    CODE#<hash>                         access code of the operator (TTL)
                                    LOG#<instant>#<n>                   lines without a resource (TTL 90 days)
    ACC#<account>#RES#<resource>    STATE                               ResourceState; by_list
                                    LEASE                               wanted, lease_number, lease_until; by_due
                                    SETTINGS                            overrides
                                    CHECK                               slot of the check wheel; by_due
                                    CURSOR#<feed hash>                  where one feed stands
                                    LINK#<ref>                          link; by_start
                                    ENTRY#<calendar hash>#<entry hash>  pointer: ref of the link
                                    PART#<series hash>#<ref>            occurrence of a booking series; refs only
                                    LEAVING#<feed hash>#<ref>           tombstone that waits for the round's end
                                    SEEN#<feed hash>#<round>#<page>#<n> packed refs of a full round (TTL 30 days)
                                    CONFLICT#<id>                       by_list (TTL 90 days when ended)
                                    LOG#<instant>#<n>                   by_list (TTL 90 days)
                                    UNDO#<run>#<hash>                   journal of deletes and moves (TTL 30 days)
                                    INVITATION#<id>                     (TTL 30 days after its end)
    ACC#<account>#MBX#<mailbox>     CONNECTION                          by_list
                                    CREDENTIALS                         sealed token cache
                                    TOKEN                               sealed access token (TTL: its end)
                                    SUB#<path hash>                     beside SUB#<path hash> below, for the list
    ACC#<account>#IDENTITY#<hash>   CLAIM                               mailbox that has this identity
    ACC#<account>#CONFLICT#<id>     POINTER                             resource of the conflict
    ACC#<account>#MAIL#<hash>       CLAIM                               (kind, subject, cause) was mailed
    ACC#<account>#TRIES#<hash>      TRIES                               tries of a password or code (TTL)
    ACC#<account>#DUE#<kind>#<sub>  DUE                                 by_due
    SUB#<path hash>                 SUB                                 the webhook's one GetItem
    INVITATION#<token hash>         POINTER                             account, resource, id (TTL)
    OAUTH#<state hash>              SIGN_IN                             taken by its delete (TTL)
    GRANT#<cookie hash>             GRANT                               (TTL)
    MESSAGE#<hash>                  MESSAGE                             message id of a mail -> invitation (TTL 90 days)
    MEMBER#<hash of iss, sub>       MEMBER                              by_list
    KEY#<key hash>                  API_KEY
    SWEEP                           MINUTE                              last minute that was swept

    by_list   list_key / list_sort  ACC#<account> / RES#<resource>, MBX#<mailbox>;
                                    ACC#<account>#OPEN / <opened>#<conflict>, #ENDED / <ended>#<conflict>;
                                    #MEMBER / <hash>; ACC#<account>#LOG#<day> / <instant>#<n>
    by_due    due_shard / due_at    DUE#0..3 / instant; CHECK#<every>#<slot> / "-", a key that never moves
    by_start  PK / starts           local, so strongly consistent: <start> for links up to 24 h, L#<start> for longer

`HOST#...` belongs to the bundled booking system. Ids that we made stand inside keys; foreign ones stand behind a hash
or at the end, so that no choice of id leads into another's part. Each item carries `entity` and `v`.
"""

from datetime import UTC, datetime, timedelta

from calsync_core.domain.connections import MailboxIdentity
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, MailboxId, ResourceId, short_hash

Key = tuple[str, str]

BY_LIST = "by_list"
BY_DUE = "by_due"
BY_START = "by_start"
DUE_SHARDS = 4
SHORT = timedelta(hours=24)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def instant(at: datetime) -> str:
    """Of one width, so that texts sort as the instants do."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def account_key(account: AccountId) -> str:
    return f"ACC#{account}"


def resource_key(account: AccountId, resource: ResourceId) -> str:
    return f"ACC#{account}#RES#{resource}"


def mailbox_key(account: AccountId, mailbox: MailboxId) -> str:
    return f"ACC#{account}#MBX#{mailbox}"


def identity_key(account: AccountId, identity: MailboxIdentity) -> Key:
    return (
        f"ACC#{account}#IDENTITY#{short_hash(identity.provider.value, identity.directory, identity.subject)}",
        "CLAIM",
    )


def due_key(account: AccountId, kind: str, subject: str) -> Key:
    return f"ACC#{account}#DUE#{kind}#{subject}", "DUE"


def cursor_sk(feed: str) -> str:
    return f"CURSOR#{short_hash(feed)}"


def pointer(calendar: CalendarId, entry: EntryId) -> str:
    """What stands for an entry: in the pointer's SK behind `ENTRY#`, and on the link itself."""
    return f"{short_hash(calendar)[:16]}#{short_hash(entry)}"


def part_prefix(series_id: str) -> str:
    return f"PART#{short_hash(series_id)}#"


def leaving_prefix(feed: str) -> str:
    return f"LEAVING#{short_hash(feed)[:16]}#"


def seen_prefix(feed: str, round_: int) -> str:
    return f"SEEN#{short_hash(feed)[:16]}#{round_:08d}#"


def starts(start_at: datetime, end_at: datetime) -> str:
    """The sort key of `by_start`."""
    return ("L#" if end_at - start_at > SHORT else "") + instant(start_at)


def day_before(at: datetime) -> datetime:
    """The latest start of a short link that is over at `at`; stops at the calendar's beginning."""
    return at - SHORT if at - _EARLIEST > SHORT else _EARLIEST


def due_shard(*parts: str) -> str:
    return f"DUE#{_number(*parts) % DUE_SHARDS}"


def check_shard(account: AccountId, resource: ResourceId, every: int) -> str:
    return f"CHECK#{every}#{_number(account, resource) % every}"


def _number(*parts: str) -> int:
    """Stable over processes and versions: keys are made of it."""
    return int(short_hash(*parts)[:8], 16)

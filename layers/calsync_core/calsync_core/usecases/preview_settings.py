"""What a change of settings would do, in numbers, before anybody presses Save. Reads only.

Counts come from the links: a link is one entry that calsync wrote, so it is what a new setting can rewrite. Not here:
what the next run would do, with examples (`dry_run_settings`).
"""

from calsync_core.domain.ids import AccountId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import Overrides, SyncSettings, effective, flatten
from calsync_core.domain.values import replace, value
from calsync_core.ports.stores import LinkStore, ResourceStore, SettingsStore

MAX_LINKS = 20_000  # counting more would outlast the request; the answer then says "at least"
_READS_AGAIN = {
    "from_calendar.private", "from_calendar.tentative", "from_calendar.working_elsewhere", "from_calendar.free",
    "from_calendar.all_day", "from_calendar.declined", "from_calendar.not_responded",
}  # fmt: skip
_BLOCK_TEXT = {"from_calendar.privacy", "from_calendar.title", "from_calendar.notes"}


@value(frozen=True, slots=True)
class Effect:
    """Numbers of one change, were it applied to everything in the window.

    `copies` and `blocks` would be rewritten, `removed` deleted; `reads_again` resources have their calendar judged
    anew, which may add or remove blocks. `left_alone` resources keep a value of their own. `is_at_least`: more were not
    counted. `must_rewrite`: privacy grows, so the window is always rewritten. `only_future`: privacy shrinks, so what
    exists stays as it is.
    """

    resources: int = 0
    left_alone: int = 0
    copies: int = 0
    blocks: int = 0
    removed: int = 0
    reads_again: int = 0
    is_at_least: bool = False
    must_rewrite: bool = False
    only_future: bool = False
    changed_keys: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Affected:
    """One resource whose effective values change."""

    state: ResourceState
    before: SyncSettings
    after: SyncSettings
    keys: frozenset[str]


def preview_settings(links: LinkStore, affected: list[Affected], left_alone: int, keys: tuple[str, ...]) -> Effect:
    """Count. `affected` and `left_alone` come from `account_change` or `resource_change`."""
    effect = Effect(
        resources=len(affected),
        left_alone=left_alone,
        changed_keys=keys,
        must_rewrite=any(tightens_privacy(one.before, one.after) for one in affected),
        only_future=any(widens_privacy(one.before, one.after) for one in affected),
    )
    counted = 0
    for one in affected:
        effect = replace(effect, reads_again=effect.reads_again + bool(one.keys & _READS_AGAIN))
        for link in links.all(one.state.account, one.state.resource.id):
            counted += 1
            if counted > MAX_LINKS:
                return replace(effect, is_at_least=True)
            effect = _counted(effect, one, link)
    return effect


def account_change(
    resources: ResourceStore, settings: SettingsStore, account: AccountId, before: Overrides, after: Overrides
) -> tuple[list[Affected], int]:
    """Who follows a change of the account's values, and how many keep a value of their own."""
    changed = changed_keys(effective(before, {}), effective(after, {}))
    affected: list[Affected] = []
    left_alone = 0
    for state in resources.of_account(account):
        own = settings.resource(account, state.resource.id).values
        left_alone += bool(changed & own.keys())
        affected += _affected(state, effective(before, own), effective(after, own))
    return affected, left_alone


def resource_change(state: ResourceState, defaults: Overrides, before: Overrides, after: Overrides) -> list[Affected]:
    """The same for the own values of one resource."""
    return _affected(state, effective(defaults, before), effective(defaults, after))


def changed_keys(before: SyncSettings, after: SyncSettings) -> frozenset[str]:
    old, new = flatten(before), flatten(after)
    return frozenset(key for key, value in new.items() if old[key] != value)


def tightens_privacy(before: SyncSettings, after: SyncSettings) -> bool:
    """True when something that is shown now may not be shown any more."""
    return _shown(before) - _shown(after) != set()


def widens_privacy(before: SyncSettings, after: SyncSettings) -> bool:
    return _shown(after) - _shown(before) != set()


def shows_more_of_entries(before: SyncSettings, after: SyncSettings) -> bool:
    """Texts of calendar entries that nobody else sees yet."""
    return any(name.startswith("from:") for name in _shown(after) - _shown(before))


def _affected(state: ResourceState, before: SyncSettings, after: SyncSettings) -> list[Affected]:
    keys = changed_keys(before, after)
    return [Affected(state, before, after, keys)] if keys else []


def _shown(settings: SyncSettings) -> set[str]:
    """Everything that leaves one side in words, as comparable marks."""
    to, back = settings.to_calendar, settings.from_calendar
    shown = {f"to:{field}" for field in to.fields} | {"to:title"} if to.privacy == "full" else set()
    if to.sensitivity == "normal":
        shown.add("to:visible")
    if back.privacy == "full":
        shown |= {name for name, is_on in (("from:title", back.title), ("from:notes", back.notes)) if is_on}
        if back.private == "full":
            shown.add("from:private")
    return shown


def _rewrites_copies(keys: frozenset[str]) -> bool:
    return any(key.startswith("to_calendar.") for key in keys)


def _counted(effect: Effect, one: Affected, link: Link) -> Effect:
    if link.pattern:
        return effect  # a series counts by its dates
    if link.origin is Origin.HOST:
        if one.before.writes_calendar and not one.after.writes_calendar:
            return replace(effect, removed=effect.removed + 1)
        return replace(effect, copies=effect.copies + _rewrites_copies(one.keys))
    if one.before.writes_host and not one.after.writes_host:
        return replace(effect, removed=effect.removed + 1)
    return replace(effect, blocks=effect.blocks + bool(one.keys & (_BLOCK_TEXT | {"from_calendar.private"})))

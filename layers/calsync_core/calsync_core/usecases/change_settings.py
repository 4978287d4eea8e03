"""Change the settings of everyone or of one resource: check, count the effect, save under a new version, wish runs.

What a change does to what exists already is design.md section 4: privacy that grows always rewrites the window, privacy
that shrinks never does, a larger window is read at once, all else as the admin chose. Not here: how a run re-projects.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Self

from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import Overrides, flatten, keys, parse
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts, MailPorts
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import (
    LinkStore,
    LogStore,
    ResourceStore,
    SettingsStore,
    StoredSettings,
)
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.preview_settings import (
    Affected,
    Effect,
    account_change,
    preview_settings,
    resource_change,
    tightens_privacy,
    widens_privacy,
)
from calsync_core.usecases.tell_result import tell_notice

Scope = Literal["future", "window"]


@value(frozen=True, slots=True)
class SettingsPorts:
    resources: ResourceStore
    settings: SettingsStore
    links: LinkStore
    log: LogStore
    queue: Queue
    clock: Clock
    mail: MailPorts

    @classmethod
    def of(cls, ports: JourneyPorts) -> Self:
        stores = ports.stores
        return cls(stores.resources, stores.settings, stores.links, stores.log, ports.queue, ports.clock, ports)


@value(frozen=True, slots=True)
class Change:
    """What somebody wants: values to set, keys whose own value goes ("Use default again"), and the version seen.

    `version` None takes whatever stands: for callers of the API who replace everything.
    """

    values: Overrides
    reset: tuple[str, ...] = ()
    version: int | None = None
    scope: Scope = "future"


@value(frozen=True, slots=True)
class Planned:
    """A checked change: `values` as they would stand, who follows, and the names of what differs."""

    stored: StoredSettings
    values: Overrides
    affected: list[Affected]
    left_alone: int
    names: tuple[str, ...]


def preview_change(ports: SettingsPorts, account: AccountId, resource: ResourceId | None, change: Change) -> Effect:
    """The effect in numbers; nothing is stored. Raises InputError, NotFoundError."""
    planned = planned_change(ports, account, resource, change)
    return preview_settings(ports.links, planned.affected, planned.left_alone, planned.names)


def save_change(
    ports: SettingsPorts, account: AccountId, resource: ResourceId | None, change: Change, *, by: str
) -> StoredSettings:
    """Store and wish the runs that follow. `by` is who pressed, an id or an address of a member.

    Raises InputError (setting_unknown, setting_out_of_range, setting_title_field_unknown, setting_zone_unknown,
    scope_unknown), NotFoundError, ConcurrentChangeError when somebody else saved meanwhile.
    """
    planned = planned_change(ports, account, resource, change)
    if change.version is not None and planned.stored.version != change.version:
        raise ConcurrentChangeError
    now = ports.clock.now()
    row = replace(planned.stored, values=planned.values, changed_at=now, changed_by=by)
    if resource is None:
        stored = ports.settings.save_account(account, row)
    else:
        stored = ports.settings.save_resource(account, resource, row)
    ports.log.add(
        [
            LogEntry(
                account=account,
                resource_id=resource,
                at=now,
                reason=Reason.SETTINGS_CHANGED,
                detail=(("keys", " ".join(planned.names)), ("scope", change.scope), ("by", by)),
            )
        ]
    )
    _tell_who_shows_more(ports, planned.affected, by, stored.version)
    for one in planned.affected:
        if wants_run(one, change.scope):
            _mark(ports, account, one, change.scope)
        if one.state.may_sync and wants_run(one, change.scope):
            ports.queue.wish(Wish(account, one.state.resource.id, "full"))
    return stored


def _tell_who_shows_more(ports: SettingsPorts, affected: list[Affected], by: str, version: int) -> None:
    """Privacy that shrinks is told to the person before the first entry follows; a few mails at a time."""
    people = [one.state for one in affected if one.state.mailbox and widens_privacy(one.before, one.after)]
    if not people:
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        told = [
            pool.submit(tell_notice, ports.mail, state, "shows_more", {"by": by}, f"settings-{by}-{version}")
            for state in people
        ]
    for one in told:
        one.result()  # a mail that was refused stands in the log as a problem; a bug must not be lost in its thread


def _mark(ports: SettingsPorts, account: AccountId, one: Affected, scope: Scope) -> None:
    """Every feed is read anew in full, whatever becomes of the run that is wished for now. Links projected under an
    older version are rewritten by that (`ResourceState.reproject_below`). What a closed direction had written goes only
    where the admin chose the whole window."""
    resource = one.state.resource.id
    version = ports.settings.account(account).version + ports.settings.resource(account, resource).version

    def change(state: ResourceState) -> ResourceState | None:
        new = replace(state, read_below=max(version, state.read_below))
        if rewrites_window(one, scope):
            remove_below = version if scope == "window" else state.remove_below
            new = replace(new, reproject_below=max(version, state.reproject_below), remove_below=remove_below)
        return None if new == state else new

    change_state(ports.resources, account, resource, change)


def planned_change(ports: SettingsPorts, account: AccountId, resource: ResourceId | None, change: Change) -> Planned:
    """Nothing is stored. Raises InputError, NotFoundError."""
    if change.scope not in ("future", "window"):
        raise InputError("scope_unknown", field="scope")
    _check_keys(change.reset)
    # as the model has them: "26" and 26.0 become 26, so that stored values compare and every store takes them
    checked = flatten(parse(change.values))
    change = replace(change, values={key: checked[key] for key in change.values})
    if resource is None:
        stored = ports.settings.account(account)
        values = _merged(stored.values, change)
        affected, left_alone = account_change(ports.resources, ports.settings, account, stored.values, values)
    else:
        state = ports.resources.get(account, resource)
        if state is None:
            raise NotFoundError
        stored = ports.settings.resource(account, resource)
        values = _merged(stored.values, change)
        defaults = ports.settings.account(account).values
        affected, left_alone = resource_change(state, defaults, stored.values, values), 0
    names = tuple(key for key in keys() if _differs(stored.values, values, key))
    return Planned(stored, values, affected, left_alone, names)


def _differs(before: Overrides, after: Overrides, key: str) -> bool:
    return (key in before) != (key in after) or before.get(key) != after.get(key)


def _merged(stored: Overrides, change: Change) -> Overrides:
    """A stored value that this version does not know any more goes with the first save."""
    known = set(keys())
    kept = {key: value for key, value in stored.items() if key in known and key not in change.reset}
    return {**kept, **change.values}


def _check_keys(names: Collection[str]) -> None:
    for name in names:
        if name not in keys():
            raise InputError("setting_unknown", field=name[:80])


def rewrites_window(one: Affected, scope: Scope) -> bool:
    """Privacy that grows always rewrites what exists, privacy that shrinks never does, all else as chosen."""
    if tightens_privacy(one.before, one.after):
        return True
    return scope == "window" and not widens_privacy(one.before, one.after)


def wants_run(one: Affected, scope: Scope) -> bool:
    """A larger window, an opened direction and a resource that becomes active again are read at once, whatever the
    scope: what came meanwhile has no link yet, and no feed tells of it again (R105)."""
    ahead, back = one.after.window.weeks_ahead, one.after.window.weeks_back
    is_larger = ahead > one.before.window.weeks_ahead or back > one.before.window.weeks_back
    opens_calendar = one.after.writes_calendar and not one.before.writes_calendar
    opens_host = one.after.writes_host and not one.before.writes_host
    return is_larger or opens_calendar or opens_host or rewrites_window(one, scope)

"""Settings for everyone and of one resource: look at the effect in numbers, then save; own values say so."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, InputError
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import Overrides, Source, SyncSettings, effective, flatten
from calsync_core.ports.stores import StoredSettings
from calsync_core.usecases.change_settings import Change, save_change
from calsync_core.usecases.dry_run_settings import DryRun, dry_run_settings
from calsync_core.usecases.preview_settings import widens_privacy
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.settings_effect import example_title, told_counts, told_examples
from calsync_core.web.console.settings_form import (
    LABELS,
    PREFIX,
    RANGES,
    as_typed,
    form_groups,
    read_form,
    told_changes,
)
from calsync_core.web.problems import status_of
from calsync_core.web.request import Request
from calsync_core.web.wording import wording


@dataclass(frozen=True, slots=True)
class _Present:
    """What stands now, for everyone or for one resource."""

    account: Overrides
    own: Overrides
    stored: StoredSettings
    state: ResourceState | None

    @property
    def settings(self) -> SyncSettings:
        return effective(self.account, self.own)

    @property
    def level(self) -> Source:
        return Source.RESOURCE if self.state else Source.ACCOUNT

    @property
    def defaults(self) -> SyncSettings:
        """What "Use default again" gives: the account's for a resource, the built-in ones for everyone."""
        return effective(self.account if self.state else {}, {})


@dataclass(frozen=True, slots=True)
class SettingsPages:
    parts: ConsoleParts

    def show(self, visit: Visit, resource_id: str | None = None) -> Answer:
        present = self._present(visit, resource_id)
        return self._page(visit, present, present.settings)

    def change(self, visit: Visit, resource_id: str | None = None) -> Answer:
        """`action` save stores; all else shows the numbers, also `reset`, which gives one key, or all, back to the
        default; what was given back on the page before stands in `given_back`.

        What shows more than before is saved only from the page that says so.
        """
        present, request = self._present(visit, resource_id), visit.request
        try:
            change = self._change(visit, present)
            wanted = effective(*self._overlaid(present, change))
            is_save = request.field("action") == "save" and not request.field("reset")
            if not is_save or self._must_ask(visit, present, wanted):
                run = dry_run_settings(self.parts.ports, self.parts.settings, visit.account, _id(present), change)
                return self._page(visit, present, wanted, change=change, run=run)
            save_change(self.parts.settings, visit.account, _id(present), change, by=visit.who)
        except (InputError, ConcurrentChangeError) as error:
            return self._page(visit, present, present.settings, error=error)
        return see_other(f"{_address(present)}?done=saved")

    def _change(self, visit: Visit, present: _Present) -> Change:
        request = visit.request
        sent, version = read_form(request, present.settings), request.field("version")
        back = _given_back(request, present, sent)
        return Change(
            {key: value for key, value in sent.items() if key not in back},
            back,
            version=int(version) if version.isdecimal() else None,
            scope=_scope(request.field("scope")),
        )

    def _must_ask(self, visit: Visit, present: _Present, wanted: SyncSettings) -> bool:
        return widens_privacy(present.settings, wanted) and visit.request.field("confirmed") != "yes"

    def _overlaid(self, present: _Present, change: Change) -> tuple[Overrides, Overrides]:
        """What would stand for everyone, and for the resource of this page."""
        kept = {key: value for key, value in present.stored.values.items() if key not in change.reset}
        new = {**kept, **change.values}
        return (new, {}) if present.state is None else (present.account, new)

    def _present(self, visit: Visit, resource_id: str | None) -> _Present:
        store = self.parts.ports.stores.settings
        account = store.account(visit.account)
        if resource_id is None:
            return _Present(account.values, {}, account, None)
        state = self.parts.frame.resource(visit, resource_id)
        own = store.resource(visit.account, state.resource.id)
        return _Present(account.values, own.values, own, state)

    def _page(
        self,
        visit: Visit,
        present: _Present,
        shown: SyncSettings,
        *,
        change: Change | None = None,
        run: DryRun | None = None,
        error: CalsyncError | None = None,
    ) -> Answer:
        state = present.state
        account, own = self._overlaid(present, change) if change else (present.account, present.own)
        groups = form_groups(shown, present.defaults, account, own, present.level)
        if isinstance(error, InputError):
            groups = as_typed(groups, visit.request)
        wrong = str(error.detail.get("field", "")) if error else ""
        return self.parts.frame.show(
            visit,
            "settings",
            section="overview" if state else "settings",
            status=status_of(error) if error and not visit.request.is_fragment else 200,
            trouble=wording(error.code) if error else None,
            trouble_field=f"set.{wrong}" if wrong else "",
            trouble_label=LABELS.get(wrong, ""),
            trouble_range=RANGES.get(wrong),
            notice=notice(visit.request) if error is None else None,
            groups=groups,
            title_example=example_title(shown, state),
            has_own=bool(present.stored.values),
            state=state,
            address=_address(present),
            version=present.stored.version,
            scope=visit.request.field("scope", "future"),
            effect=run.estimate if run else None,
            run=run,
            given_back=[f"set.{key}" for key in change.reset] if change else [],
            changed=told_changes(run.estimate.changed_keys, present.settings, shown) if run else [],
            told_counts=told_counts(run) if run else [],
            examples=told_examples(run, state.resource.time_zone if state else self.parts.frame.zone) if run else [],
            **self._numbers(visit, state),
        )

    def _numbers(self, visit: Visit, state: ResourceState | None) -> dict[str, Any]:
        """How many there are, and how many keep values of their own."""
        if state is not None:
            return {"total": 1, "with_own": 0}
        stores = self.parts.ports.stores
        states = stores.resources.of_account(visit.account)
        own = sum(bool(stores.settings.resource(visit.account, one.resource.id).values) for one in states)
        return {"total": len(states), "with_own": own}


def _given_back(request: Request, present: _Present, sent: Overrides) -> tuple[str, ...]:
    """Keys whose own value goes: the one that was pressed, and those of the page before, unless something else was
    entered for them since."""
    own, pressed = present.stored.values, request.field("reset")
    if pressed == "all":
        return tuple(own)
    default = flatten(present.defaults)
    before = [name.removeprefix(PREFIX) for name in request.fields("given_back")]
    still = [key for key in before if key not in sent or sent[key] == default.get(key)]
    named = [*still, pressed.removeprefix(PREFIX)] if pressed else still
    return tuple(dict.fromkeys(named))


def _id(present: _Present) -> Any:
    return present.state.resource.id if present.state else None


def _address(present: _Present) -> str:
    if present.state is None:
        return "/console/settings"
    return f"/console/resources/{quote(present.state.resource.id, safe='')}/settings"


def _scope(text: str) -> Any:
    """As it was sent; the use case refuses words that it does not know."""
    return text or "future"

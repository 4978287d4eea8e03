"""Settings for everyone and of one resource: look at the effect in numbers, then save; own values say so."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, InputError
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import Overrides, Source, SyncSettings, effective
from calsync_core.ports.stores import StoredSettings
from calsync_core.usecases.change_settings import Change, save_change
from calsync_core.usecases.dry_run_settings import DryRun, dry_run_settings
from calsync_core.usecases.preview_settings import widens_privacy
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.settings_effect import example_title, told_counts, told_examples
from calsync_core.web.console.settings_form import LABELS, form_groups, read_form
from calsync_core.web.problems import status_of
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
        """`action` check shows the numbers, save stores; `reset` gives one key, or all, back to the default.

        What shows more than before is saved only from the page that says so.
        """
        present = self._present(visit, resource_id)
        request = visit.request
        try:
            change = self._change(visit, present)
            wanted = effective(*self._overlaid(present, change))
            if not request.field("reset") and (
                request.field("action") == "check" or self._must_ask(visit, present, wanted)
            ):
                run = dry_run_settings(self.parts.ports, self.parts.settings, visit.account, _id(present), change)
                return self._page(visit, present, wanted, run=run)
            save_change(self.parts.settings, visit.account, _id(present), change, by=visit.who)
        except (InputError, ConcurrentChangeError) as error:
            return self._page(visit, present, present.settings, error=error)
        return see_other(f"{_address(present)}?done=saved")

    def _change(self, visit: Visit, present: _Present) -> Change:
        request = visit.request
        reset = request.field("reset")
        if reset:
            every = tuple(present.stored.values) if reset == "all" else (reset.removeprefix("set."),)
            return Change({}, every, scope=_scope(request.field("scope")))
        version = request.field("version")
        return Change(
            read_form(request, present.settings),
            version=int(version) if version.isdecimal() else None,
            scope=_scope(request.field("scope")),
        )

    def _must_ask(self, visit: Visit, present: _Present, wanted: SyncSettings) -> bool:
        return widens_privacy(present.settings, wanted) and visit.request.field("confirmed") != "yes"

    def _overlaid(self, present: _Present, change: Change) -> tuple[Overrides, Overrides]:
        if present.state is None:
            return {**present.account, **change.values}, {}
        return present.account, {**present.own, **change.values}

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
        run: DryRun | None = None,
        error: CalsyncError | None = None,
    ) -> Answer:
        state = present.state
        return self.parts.frame.show(
            visit,
            "settings",
            section="overview" if state else "settings",
            status=status_of(error) if error and not visit.request.is_fragment else 200,
            trouble=wording(error.code) if error else None,
            trouble_field=f"set.{error.detail['field']}" if error and "field" in error.detail else "",
            notice=notice(visit.request) if error is None else None,
            groups=form_groups(shown, present.defaults, present.account, present.own, present.level),
            title_example=example_title(shown, state),
            has_own=bool(present.stored.values),
            state=state,
            address=_address(present),
            version=present.stored.version,
            scope=visit.request.field("scope", "future"),
            effect=run.estimate if run else None,
            run=run,
            changed=[LABELS[key] for key in run.estimate.changed_keys] if run else [],
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


def _id(present: _Present) -> Any:
    return present.state.resource.id if present.state else None


def _address(present: _Present) -> str:
    if present.state is None:
        return "/console/settings"
    return f"/console/resources/{quote(present.state.resource.id, safe='')}/settings"


def _scope(text: str) -> Any:
    """As it was sent; the use case refuses words that it does not know."""
    return text or "future"

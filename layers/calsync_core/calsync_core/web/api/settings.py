"""/v1/settings and /v1/resources/{id}/settings: effective values with their source, changing them, and a dry run."""

from dataclasses import dataclass

from calsync_core.domain.ids import ResourceId
from calsync_core.domain.settings import effective, flatten, sources
from calsync_core.usecases.change_settings import Change, SettingsPorts, preview_change, save_change
from calsync_core.usecases.dry_run_settings import DryRun, Example, dry_run_settings
from calsync_core.usecases.preview_settings import Effect
from calsync_core.web.answers import Answer
from calsync_core.web.api import schemas
from calsync_core.web.api.frame import ApiFrame, Call, answer, read_body


@dataclass(frozen=True, slots=True)
class SettingsRoutes:
    frame: ApiFrame

    def of_account(self, call: Call) -> Answer:
        return answer(self._shown(call, None))

    def of_resource(self, call: Call, resource_id: str) -> Answer:
        return answer(self._shown(call, self.frame.resource(call, resource_id).resource.id))

    def change_account(self, call: Call) -> Answer:
        return self._change(call, None)

    def change_resource(self, call: Call, resource_id: str) -> Answer:
        return self._change(call, self.frame.resource(call, resource_id).resource.id)

    def dry_run_account(self, call: Call) -> Answer:
        return self._dry_run(call, None)

    def dry_run_resource(self, call: Call, resource_id: str) -> Answer:
        return self._dry_run(call, self.frame.resource(call, resource_id).resource.id)

    def _change(self, call: Call, resource: ResourceId | None) -> Answer:
        change, ports = _asked(call), self._ports
        effect = preview_change(ports, call.account, resource, change)
        save_change(ports, call.account, resource, change, by=call.who)
        shown = self._shown(call, resource)
        numbers = _effect_out(effect)
        return answer(schemas.SettingsChangedOut(version=shown.version, settings=shown.settings, effect=numbers))

    def _dry_run(self, call: Call, resource: ResourceId | None) -> Answer:
        found = dry_run_settings(self.frame.ports, self._ports, call.account, resource, _asked(call))
        return answer(_dry_run_out(found))

    @property
    def _ports(self) -> SettingsPorts:
        return SettingsPorts.of(self.frame.ports)

    def _shown(self, call: Call, resource: ResourceId | None) -> schemas.SettingsOut:
        store = self.frame.ports.stores.settings
        account = store.account(call.account)
        own = store.resource(call.account, resource) if resource is not None else None
        own_values = own.values if own else {}
        values, origin = flatten(effective(account.values, own_values)), sources(account.values, own_values)
        return schemas.SettingsOut(
            version=(own or account).version,
            settings={key: schemas.SettingOut(value=value, source=origin[key].value) for key, value in values.items()},
        )


def _asked(call: Call) -> Change:
    asked = read_body(call, schemas.SettingsIn)
    return Change(
        values={key: value for key, value in asked.settings.items() if value is not None},
        reset=tuple(key for key, value in asked.settings.items() if value is None),
        version=asked.version,
        scope=asked.scope,
    )


def _effect_out(effect: Effect) -> schemas.EffectOut:
    return schemas.EffectOut(
        resources=effect.resources,
        left_alone=effect.left_alone,
        copies=effect.copies,
        blocks=effect.blocks,
        removed=effect.removed,
        at_least=effect.is_at_least,
    )


def _dry_run_out(found: DryRun) -> schemas.DryRunOut:
    counts = found.counts
    return schemas.DryRunOut(
        estimate=_effect_out(found.estimate),
        now=schemas.CountsOut(
            copies_added=counts.copy_added,
            copies_rewritten=counts.copy_rewritten,
            copies_removed=counts.copy_removed,
            blocks_added=counts.block_added,
            blocks_rewritten=counts.block_rewritten,
            blocks_removed=counts.block_removed,
            bookings_asked=counts.booking_asked,
            untouched=counts.untouched,
        ),
        examples=[_example_out(one) for one in found.examples],
        stricter=found.estimate.must_rewrite,
        wider=found.estimate.only_future,
        larger_window=found.more_time,
        unread=found.unread,
        waiting=found.waiting,
    )


def _example_out(one: Example) -> schemas.ExampleOut:
    when = schemas.when_out(one.when)
    if when is None:
        raise AssertionError("an example has a time")
    return schemas.ExampleOut(
        what=one.done.value, time=when, before=one.before, after=one.after, changed=list(one.changed)
    )

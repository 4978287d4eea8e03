"""/v1/settings and /v1/resources/{id}/settings: effective values with their source, and changing them."""

from dataclasses import dataclass

from calsync_core.domain.ids import ResourceId
from calsync_core.domain.settings import effective, flatten, sources
from calsync_core.usecases.change_settings import Change, SettingsPorts, preview_change, save_change
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

    def _change(self, call: Call, resource: ResourceId | None) -> Answer:
        asked = read_body(call, schemas.SettingsIn)
        change = Change(
            values={key: value for key, value in asked.settings.items() if value is not None},
            reset=tuple(key for key, value in asked.settings.items() if value is None),
            version=asked.version,
            scope=asked.scope,
        )
        ports, stores = self.frame.ports, self.frame.ports.stores
        settings_ports = SettingsPorts(
            stores.resources, stores.settings, stores.links, stores.log, ports.host, ports.queue, ports.clock, ports
        )
        effect = preview_change(settings_ports, call.account, resource, change)
        save_change(settings_ports, call.account, resource, change, by=call.who)
        shown = self._shown(call, resource)
        numbers = schemas.EffectOut(
            resources=effect.resources,
            left_alone=effect.left_alone,
            copies=effect.copies,
            blocks=effect.blocks,
            removed=effect.removed,
            at_least=effect.is_at_least,
        )
        return answer(schemas.SettingsChangedOut(version=shown.version, settings=shown.settings, effect=numbers))

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

"""GetServerTimeZones: the zones that the server knows, with their rules when wanted (since Exchange 2010)."""

from datetime import timedelta

from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, find, m, t
from sandbox.exchange.zone_rules import DAYS, LAST, Rule, ZoneRules, rules_of
from sandbox.zones import UnknownZoneError, windows_name, windows_zones


@operation("GetServerTimeZones", since=Version.EXCHANGE2010, empty=("TimeZoneDefinitions",))
def get_server_time_zones(call: Call, request: Element) -> Element:
    """All zones, or those that are asked for and known."""
    wanted = find(request, "Ids")
    names = windows_zones() if wanted is None else _known([(one.text or "").strip() for one in wanted])
    is_full = request.get("ReturnFullTimeZoneData", "true") in ("true", "1")
    year = call.world.clock.now().year
    return call.message(m("TimeZoneDefinitions", [definition(name, year, is_full=is_full) for name in names]))


def _known(names: list[str]) -> list[str]:
    known = set(windows_zones())
    found = []
    for name in names:
        try:
            windows = windows_name(name)
        except UnknownZoneError:
            continue
        if windows in known:
            found.append(windows)
    return found


def definition(name: str, year: int, *, is_full: bool) -> Element:
    """One TimeZoneDefinition with the rules of that year."""
    rules = rules_of(name, year)
    shown = t("TimeZoneDefinition", Id=name, Name=f"({_utc(rules.standard)}) {name}")
    if is_full:
        for part in _parts(name, rules):
            shown.append(part)
    return shown


def _parts(name: str, rules: ZoneRules) -> list[Element]:
    standard, daylight = f"trule:Microsoft/Registry/{name}/1-Standard", f"trule:Microsoft/Registry/{name}/1-Daylight"
    periods = [t("Period", Bias=_duration(-rules.standard), Name="Standard", Id=standard)]
    changes = [t("Transition", t("To", standard, Kind="Period"))]
    if rules.to_daylight is not None and rules.to_standard is not None:
        periods.append(t("Period", Bias=_duration(-rules.to_daylight.offset), Name="Daylight", Id=daylight))
        changes = [_change(rules.to_daylight, daylight), _change(rules.to_standard, standard)]
    return [
        t("Periods", periods),
        t("TransitionsGroups", t("TransitionsGroup", changes, Id="0")),
        t("Transitions", t("Transition", t("To", "0", Kind="Group"))),
    ]


def _change(rule: Rule, period: str) -> Element:
    at = timedelta(hours=rule.at.hour, minutes=rule.at.minute)
    return t(
        "RecurringDayTransition",
        t("To", period, Kind="Period"),
        t("TimeOffset", _duration(at)),
        t("Month", rule.month),
        t("DayOfWeek", DAYS[rule.weekday]),
        t("Occurrence", -1 if rule.order == LAST else rule.order),
    )


def _duration(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else ""
    return f"{sign}PT{f'{hours}H' if hours or not rest else ''}{f'{rest}M' if rest else ''}"


def _utc(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    if not minutes:
        return "UTC"
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"

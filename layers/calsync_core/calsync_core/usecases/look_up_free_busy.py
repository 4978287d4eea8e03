"""When is anybody of the organisation free: people, rooms and plain addresses, connected or not.

Who is connected is answered from the connection, and only from it. Everybody else is asked for through the role account
of the mail domain. What cannot be known is `unknown` with its reason; titles are neither asked for nor given.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum

from calsync_core.domain.availability import Occupied
from calsync_core.domain.connections import Connection
from calsync_core.domain.errors import InputError
from calsync_core.domain.free_busy import BusyTimes, joined, unknown
from calsync_core.domain.ids import AccountId, MailboxId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.domain.settings import effective
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.ask_free_busy import slices
from calsync_core.usecases.ask_role_account import ask_role_account
from calsync_core.usecases.look_up_availability import (
    MAX_SPAN,
    AvailabilityAnswer,
    AvailabilityPorts,
    SourceAge,
    check_span,
    look_up_availability,
)
from calsync_core.usecases.send_mail import address_of, is_address

AT_MOST = 100
TIME_LIMIT = timedelta(seconds=18)  # one more question may take its ten seconds; the HTTP API gives up after 30
_LANES = 8
_CONNECTED = frozenset({Status.CONNECTED, Status.IMPORTING, Status.PAUSED, Status.REAUTH_REQUIRED})


class Source(StrEnum):
    CONNECTION = "connection"
    ROLE_ACCOUNT = "role_account"


@value(frozen=True, slots=True)
class FreeBusyAnswer:
    """About one of the addresses or resources, in the words of the question. `source` None: nobody could be asked."""

    asked: str
    times: BusyTimes
    resource: ResourceId | None = None
    address: str = ""
    source: Source | None = None
    role_account: str = ""
    as_of: datetime | None = None


@value(frozen=True, slots=True)
class FreeBusyQuestion:
    """Half open, UTC."""

    account: AccountId
    start_at: datetime
    end_at: datetime
    addresses: tuple[str, ...] = ()
    resources: tuple[ResourceId, ...] = ()


def look_up_free_busy(ports: JourneyPorts, question: FreeBusyQuestion) -> list[FreeBusyAnswer]:
    """One answer for each address, then each resource, in their order.

    Raises InputError: nobody_asked, too_many_addresses, span_inverted, span_too_long.
    """
    if not question.addresses and not question.resources:
        raise InputError("nobody_asked", field="addresses")
    if len(question.addresses) + len(question.resources) > AT_MOST:
        raise InputError("too_many_addresses", field="addresses")
    check_span(question.start_at, question.end_at)
    return _Lookup(ports, question).answers()


def look_up_unconnected(
    ports: JourneyPorts, state: ResourceState, start_at: datetime, end_at: datetime
) -> AvailabilityAnswer | None:
    """Availability of a resource without a connection whose mail domain a role account answers for; else None.

    The settings decide what blocks, as for entries. Raises InputError for the span.
    """
    if state.calendars:
        return None
    check_span(start_at, end_at)
    address = address_of(state.resource) if not state.resource.email else state.resource.email
    question = FreeBusyQuestion(state.account, start_at, end_at, (address,))
    lookup = _Lookup(ports, question)
    if not is_address(address) or lookup.connected_at(address) or lookup.role_of(address) is None:
        return None
    found = lookup.answers()[0]
    stored = ports.stores.settings
    rules = effective(
        stored.account(state.account).values, stored.resource(state.account, state.resource.id).values
    ).from_calendar
    ignored = {Occupied.TENTATIVE} if rules.tentative == "ignore" else set()
    if rules.working_elsewhere == "ignore":
        ignored.add(Occupied.WORKING_ELSEWHERE)
    intervals = tuple(one for one in found.times.intervals if one.occupied not in ignored)
    age = SourceAge(Source.ROLE_ACCOUNT.value, found.as_of, found.times.reason)
    return AvailabilityAnswer(start_at, end_at, intervals, (age,))


class _Lookup:
    """One question. Who is who is read once."""

    def __init__(self, ports: JourneyPorts, question: FreeBusyQuestion) -> None:
        self._ports, self._question = ports, question
        self._span = Window(question.start_at, question.end_at)
        self._states = {one.resource.id: one for one in ports.stores.resources.of_account(question.account)}
        self._roles = ports.stores.role_accounts.of_account(question.account)
        connections = {one.id: one for one in ports.stores.connections.of_account(question.account)}
        self._connected: dict[str, list[ResourceState]] = {}
        for state in self._states.values():
            for address in _addresses(state, connections) if _is_connected(state) else ():
                self._connected.setdefault(address, []).append(state)

    def connected_at(self, address: str) -> list[ResourceState]:
        """The connected resources that use the mailbox of an address."""
        return self._connected.get(address.casefold(), [])

    def role_of(self, address: str) -> RoleAccount | None:
        """Who answers for it, or would once its test has passed."""
        covering = [one for one in self._roles if one.covers(address)]
        return next((one for one in covering if one.is_on), covering[0] if covering else None)

    def answers(self) -> list[FreeBusyAnswer]:
        question = self._question
        asked = [self._of_address(one) for one in question.addresses]
        asked += [self._of_resource(one) for one in question.resources]
        connected = self._from_connections(asked)
        by_role = self._from_role_accounts(asked)
        return [self._answer(one, connected, by_role) for one in asked]

    def _of_address(self, text: str) -> "_Asked":
        address = text.strip()
        if not is_address(address):
            return _Asked(text, reason="address_invalid")
        return self._place(_Asked(text, address=address), self.connected_at(address))

    def _of_resource(self, resource: ResourceId) -> "_Asked":
        state = self._states.get(resource)
        if state is None:
            return _Asked(resource, resource, reason="resource_unknown")
        address = state.resource.email or address_of(state.resource)
        asked = _Asked(resource, resource, address)
        if _is_connected(state):
            return self._place(asked, [state])
        if not is_address(address):
            return _Asked(resource, resource, reason="not_connected")
        return self._place(asked, self.connected_at(address))

    def _place(self, asked: "_Asked", connected: list[ResourceState]) -> "_Asked":
        if connected:
            return _Asked(asked.asked, asked.resource, asked.address, states=tuple(connected))
        role = self.role_of(asked.address)
        if role is None:
            return _Asked(asked.asked, asked.resource, asked.address, reason="domain_not_covered")
        if not role.is_on:
            return _Asked(asked.asked, asked.resource, asked.address, reason=role.code or "role_account_untested")
        return _Asked(asked.asked, asked.resource, asked.address, role=role)

    def _from_connections(self, asked: Sequence["_Asked"]) -> dict[ResourceId, FreeBusyAnswer]:
        wanted = list({state.resource.id: state for one in asked for state in one.states}.values())
        if not wanted:
            return {}
        with ThreadPoolExecutor(min(_LANES, len(wanted))) as pool:
            return {one.asked_resource: one.answer for one in pool.map(self._known, wanted)}

    def _known(self, state: ResourceState) -> "_Known":
        stores, resource = self._ports.stores, state.resource.id
        ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, self._ports.clock)
        found = [
            look_up_availability(ports, state.account, resource, part.start_at, part.end_at)
            for part in slices(self._span, MAX_SPAN)
        ]
        sources = [source for one in found for source in one.sources]
        times = [
            BusyTimes(one.intervals, next((source.reason for source in one.sources if source.reason), None))
            for one in found
        ]
        as_of = min((source.as_of for source in sources if source.as_of is not None), default=None)
        answer = FreeBusyAnswer(resource, joined(times, self._span), as_of=as_of)
        return _Known(resource, answer)

    def _from_role_accounts(self, asked: Sequence["_Asked"]) -> dict[str, BusyTimes]:
        """Each address once, by what it reads like in lower case."""
        groups: dict[str, tuple[RoleAccount, dict[str, str]]] = {}
        for one in asked:
            if one.role is not None:
                groups.setdefault(one.role.id, (one.role, {}))[1][one.address.casefold()] = one.address
        if not groups:
            return {}
        until = self._ports.clock.now() + TIME_LIMIT

        def ask(group: tuple[RoleAccount, dict[str, str]]) -> dict[str, BusyTimes]:
            role, addresses = group
            found = ask_role_account(
                self._ports, role, list(addresses.values()), self._span, lambda: self._ports.clock.now() >= until
            )
            return {address.casefold(): times for address, times in found.items()}

        with ThreadPoolExecutor(min(_LANES, len(groups))) as pool:
            return {address: times for answers in pool.map(ask, groups.values()) for address, times in answers.items()}

    def _answer(
        self, asked: "_Asked", connected: Mapping[ResourceId, FreeBusyAnswer], by_role: Mapping[str, BusyTimes]
    ) -> FreeBusyAnswer:
        named = (asked.resource, asked.address)
        if asked.states:
            found = [connected[state.resource.id] for state in asked.states]
            as_of = min((one.as_of for one in found if one.as_of is not None), default=None)
            times = joined((one.times for one in found), self._span)
            return FreeBusyAnswer(asked.asked, times, *named, source=Source.CONNECTION, as_of=as_of)
        if asked.role is None:
            return FreeBusyAnswer(asked.asked, unknown(self._span, asked.reason), *named)
        times = by_role[asked.address.casefold()]
        is_nothing = times.intervals == unknown(self._span, "").intervals
        return FreeBusyAnswer(
            asked.asked,
            times,
            *named,
            source=Source.ROLE_ACCOUNT,
            role_account=asked.role.title,
            as_of=None if is_nothing else self._ports.clock.now(),
        )


@value(frozen=True, slots=True)
class _Asked:
    """Who is meant, and who will answer: connected resources, a role account, or nobody for a reason."""

    asked: str
    resource: ResourceId | None = None
    address: str = ""
    states: tuple[ResourceState, ...] = ()
    role: RoleAccount | None = None
    reason: str = ""


@value(frozen=True, slots=True)
class _Known:
    asked_resource: ResourceId
    answer: FreeBusyAnswer


def _is_connected(state: ResourceState) -> bool:
    return bool(state.calendars) and state.status in _CONNECTED


def _addresses(state: ResourceState, connections: Mapping[MailboxId, Connection]) -> set[str]:
    """Under which addresses its own mailbox is known. Conflict calendars may be anybody's."""
    connection = connections.get(state.mailbox) if state.mailbox else None
    named = {state.resource.email, connection.address if connection else ""}
    return {one.casefold() for one in named if one}

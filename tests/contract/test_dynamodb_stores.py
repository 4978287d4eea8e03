"""The stores on DynamoDB, at moto, under the same contracts as those in memory."""

import pytest
from calsync_core.ports.stores import Stores

from tests.contract import link_contract, people_contract, resource_contract, server_contract


@pytest.fixture
def stores(dynamo: Stores) -> Stores:
    return dynamo


class TestLinks(link_contract.LinkContract):
    examples = 12  # each writes and asks at moto


class TestResources(resource_contract.ResourceContract): ...


class TestLeases(resource_contract.LeaseContract): ...


class TestCursors(resource_contract.CursorContract): ...


class TestSettings(resource_contract.SettingsContract): ...


class TestDue(resource_contract.DueContract): ...


class TestConnections(people_contract.ConnectionContract): ...


class TestCredentials(people_contract.CredentialContract): ...


class TestTokens(people_contract.TokenContract): ...


class TestJourneys(people_contract.JourneyContract): ...


class TestConflicts(people_contract.ConflictContract): ...


class TestLog(people_contract.LogContract): ...


class TestMails(people_contract.MailContract): ...


class TestAccess(people_contract.AccessContract): ...


class TestServers(server_contract.ServerContract): ...


class TestRoleAccounts(server_contract.RoleAccountContract): ...


class TestApps(server_contract.AppContract): ...


class TestAttempts(server_contract.AttemptContract): ...

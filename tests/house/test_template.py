"""template.yaml keeps the promises of design.md sections 1 and 9: rights, retention, time limits, dead letters."""

import re
from typing import Any

import pytest

from tests.house.template import FUNCTIONS, REPOSITORY, as_list, load_machine, load_template, names_in, resources

# What may stand beside "*" as a resource, because AWS offers no ARN there; and why.
WITHOUT_ARN = {
    "xray:PutTraceSegments": "X-Ray has no resources",
    "xray:PutTelemetryRecords": "X-Ray has no resources",
    "logs:CreateLogDelivery": "log delivery of Step Functions has no resources",
    "logs:GetLogDelivery": "as above",
    "logs:UpdateLogDelivery": "as above",
    "logs:DeleteLogDelivery": "as above",
    "logs:ListLogDeliveries": "as above",
    "logs:PutResourcePolicy": "as above",
    "logs:DescribeResourcePolicies": "as above",
    "logs:DescribeLogGroups": "as above",
    "ses:SendEmail": "limited by its sender instead",
}
# A star inside an ARN, because Step Functions draws the last part of the name.
WITH_STAR_AT_THE_END = {"states:DescribeExecution", "states:StopExecution"}

TEMPLATE = load_template()
ROLES = {**resources("AWS::IAM::Role"), **resources("AWS::IAM::ManagedPolicy")}
SERVERLESS = resources(FUNCTIONS)


def statements(policy_holder: dict[str, Any]) -> list[dict[str, Any]]:
    documents = [policy["PolicyDocument"] for policy in policy_holder.get("Policies", [])]
    if "PolicyDocument" in policy_holder:
        documents.append(policy_holder["PolicyDocument"])
    return [statement for document in documents for statement in as_list(document["Statement"])]


def role_of(function: str) -> str:
    return str(SERVERLESS[function]["Role"]["Fn::GetAtt"][0])


def actions_of(function: str) -> set[str]:
    return {action for statement in statements(ROLES[role_of(function)]) for action in as_list(statement["Action"])}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_right_is_a_single_action_on_a_single_arn(role: str) -> None:
    for statement in statements(ROLES[role]):
        actions = as_list(statement["Action"])
        assert not [action for action in actions if "*" in action]
        for resource in as_list(statement["Resource"]):
            if resource == "*":
                assert not [action for action in actions if action not in WITHOUT_ARN]
            elif "*" in str(resource):
                assert set(actions) <= WITH_STAR_AT_THE_END


def test_a_mail_can_only_be_sent_from_our_sender() -> None:
    for role in ROLES.values():
        for statement in statements(role):
            if "ses:SendEmail" in as_list(statement["Action"]):
                assert statement["Condition"] == {"StringEqualsIfExists": {"ses:FromAddress": {"Ref": "MailSender"}}}


def test_each_right_has_a_comment_that_says_why() -> None:
    lines = (REPOSITORY / "template.yaml").read_text().splitlines()
    in_roles = [i for i, line in enumerate(lines) if re.match(r"^ {14}- Effect: Allow", line)]

    assert in_roles
    assert not [lines[i] for i in in_roles if not lines[i - 1].lstrip().startswith("#")]


def test_no_two_functions_share_a_role() -> None:
    assert len({role_of(function) for function in SERVERLESS}) == len(SERVERLESS)


def test_the_webhook_may_read_one_item_and_send_one_message() -> None:
    own_log = {"logs:CreateLogStream", "logs:PutLogEvents"}

    assert actions_of("GraphWebhook") == {"dynamodb:GetItem", "sqs:SendMessage"} | own_log


def test_the_booking_system_reaches_only_its_own_items() -> None:
    for statement in statements(ROLES[role_of("ReferenceHost")]):
        if any(action.startswith("dynamodb:") for action in as_list(statement["Action"])):
            assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["HOST#*"]}}


def test_no_function_scans_the_table() -> None:
    assert not [function for function in SERVERLESS if "dynamodb:Scan" in actions_of(function)]


@pytest.mark.parametrize("function", sorted(SERVERLESS))
def test_each_function_writes_its_own_log_with_retention(function: str) -> None:
    group = SERVERLESS[function]["LoggingConfig"]["LogGroup"]["Ref"]

    assert resources("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogDays"}
    assert {"logs:CreateLogStream", "logs:PutLogEvents"} <= actions_of(function)


def test_each_log_group_has_retention() -> None:
    assert all("RetentionInDays" in group for group in resources("AWS::Logs::LogGroup").values())


def test_the_access_log_holds_no_path_and_no_query() -> None:
    written = set(
        re.findall(
            r"\$context\.(\w+)", resources("AWS::ApiGatewayV2::Stage")["ApiStage"]["AccessLogSettings"]["Format"]
        )
    )

    assert written == {"requestId", "routeKey", "status", "responseLatency", "requestTimeEpoch"}


def test_machines_log_no_execution_data() -> None:
    for machine in resources("AWS::Serverless::StateMachine").values():
        assert machine["Logging"]["IncludeExecutionData"] is False


def test_functions_behind_the_api_end_before_the_api_gives_up() -> None:
    behind = {
        integration["IntegrationUri"]["Fn::GetAtt"][0]
        for integration in resources("AWS::ApiGatewayV2::Integration").values()
    }
    default = TEMPLATE["Globals"]["Function"]["Timeout"]

    assert behind
    assert all(SERVERLESS[function].get("Timeout", default) < 30 for function in behind)


def test_a_step_function_waits_longer_for_a_task_than_its_function_may_take() -> None:
    for machine, function in (("sync_resource", "SyncJob"), ("sweep", "Sweep")):
        for state in tasks(load_machine(machine)):
            assert state["TimeoutSeconds"] > SERVERLESS[function]["Timeout"]


def tasks(machine: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in machine["States"].values():
        if state["Type"] == "Task":
            found.append(state)
        if state["Type"] == "Map":
            found += tasks(state["ItemProcessor"])
    return found


def test_a_wish_that_fails_reaches_a_dead_letter_queue() -> None:
    queues = resources("AWS::SQS::Queue")

    assert queues["Wishes"]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["WishesDeadLetters", "Arn"]}
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())


def test_the_queue_gives_the_consumer_time() -> None:
    visibility = TEMPLATE["Parameters"]["WishVisibilitySeconds"]

    assert visibility["Default"] >= 6 * SERVERLESS["StartSync"]["Timeout"]
    assert visibility["MinValue"] >= SERVERLESS["StartSync"]["Timeout"]


def test_asynchronous_starts_have_a_place_for_what_failed() -> None:
    for function in SERVERLESS.values():
        if any(event["Type"] == "SNS" for event in function.get("Events", {}).values()):
            assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"] == {
                "Fn::GetAtt": ["DeadLetters", "Arn"]
            }
    for schedule in resources("AWS::Scheduler::Schedule").values():
        assert schedule["Target"]["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_concurrency_is_limited_at_the_source_and_never_reserved() -> None:
    source = SERVERLESS["StartSync"]["Events"]["Wish"]["Properties"]

    assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "ReservedConcurrentExecutions" not in (REPOSITORY / "template.yaml").read_text()


@pytest.mark.parametrize("name", ["Table", "SealingKey", "Secret"])
def test_what_cannot_be_made_again_outlives_the_stack(name: str) -> None:
    resource = TEMPLATE["Resources"][name]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_table_can_be_restored_and_forgets_what_expired() -> None:
    table = resources("AWS::DynamoDB::Table")["Table"]

    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_list", "by_due"]


def test_the_key_rotates() -> None:
    assert resources("AWS::KMS::Key")["SealingKey"]["EnableKeyRotation"] is True


def test_nobody_signs_up_to_the_console() -> None:
    assert resources("AWS::Cognito::UserPool")["AdminPool"]["AdminCreateUserConfig"] == {
        "AllowAdminCreateUserOnly": True
    }
    assert resources("AWS::Cognito::UserPoolClient")["AdminPoolClient"]["GenerateSecret"] is False


def test_the_distributed_map_may_start_its_own_machine() -> None:
    name = resources("AWS::Serverless::StateMachine")["SweepMachine"]["Name"]["Fn::Sub"]
    allowed = [
        statement["Resource"]["Fn::Sub"]
        for statement in statements(ROLES["SweepMachineRole"])
        if statement["Action"] == "states:StartExecution"
    ]

    assert allowed == ["arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:" + name]


def test_machines_may_invoke_exactly_the_function_they_name() -> None:
    for machine in resources("AWS::Serverless::StateMachine").values():
        role = ROLES[machine["Role"]["Fn::GetAtt"][0]]
        invoked = [s["Resource"]["Fn::GetAtt"][0] for s in statements(role) if s["Action"] == "lambda:InvokeFunction"]

        assert set(invoked) == names_in(machine["DefinitionSubstitutions"])


def test_each_function_behind_the_api_may_be_called_by_this_api_only() -> None:
    integrations = resources("AWS::ApiGatewayV2::Integration")
    allowed = {permission["FunctionName"]["Ref"] for permission in resources("AWS::Lambda::Permission").values()}

    assert {integration["IntegrationUri"]["Fn::GetAtt"][0] for integration in integrations.values()} == allowed
    assert all(
        "${Api}/*" in permission["SourceArn"]["Fn::Sub"] for permission in resources("AWS::Lambda::Permission").values()
    )


def test_each_integration_has_a_route() -> None:
    targets = set().union(*(names_in(route["Target"]) for route in resources("AWS::ApiGatewayV2::Route").values()))

    assert targets == set(resources("AWS::ApiGatewayV2::Integration"))


def test_each_folder_of_functions_is_deployed_once() -> None:
    folders = {str(path.parent.relative_to(REPOSITORY)) for path in REPOSITORY.glob("functions/*/app.py")}

    assert sorted(function["CodeUri"] for function in SERVERLESS.values()) == sorted(folders)


def test_functions_use_no_environment_that_all_share() -> None:
    assert "Environment" not in TEMPLATE["Globals"]["Function"]


@pytest.mark.parametrize("function", sorted(SERVERLESS))
def test_the_environment_is_exactly_what_the_configuration_reads(function: str) -> None:
    given = set(SERVERLESS[function]["Environment"]["Variables"])
    from calsync_core import config, environment

    # Some functions read theirs without pydantic.
    small = {
        "GraphWebhook": environment.WebhookConfig,
        "ExchangeWebhook": environment.WebhookConfig,
        "StartSync": environment.StartConfig,
    }
    names = small[function].__slots__ if function in small else getattr(config, f"{function}Config").model_fields

    assert given == {name.upper() for name in names}


def test_a_person_understands_each_parameter_and_output() -> None:
    for part in (*TEMPLATE["Parameters"].values(), *TEMPLATE["Outputs"].values()):
        assert part["Description"][0].isupper()
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"].endswith("."), name


def test_the_stack_deploys_without_any_value() -> None:
    assert all("Default" in parameter for parameter in TEMPLATE["Parameters"].values())


def test_no_layer_stands_twice_on_a_function() -> None:
    shared = TEMPLATE["Globals"]["Function"]["Layers"]

    for function in SERVERLESS.values():
        assert not [layer for layer in function.get("Layers", []) if layer in shared]


def test_the_exchange_layer_is_where_exchange_is_spoken_to_and_nowhere_else() -> None:
    """Heavy, so not on what only forwards, and only where the deployment serves Exchange at all."""
    layer = {"Fn::If": ["HasExchange", {"Ref": "ExchangeLayer"}, {"Ref": "AWS::NoValue"}]}
    carriers = {name for name, function in SERVERLESS.items() if layer in function.get("Layers", [])}

    assert carriers >= {"Console", "HostApi", "Invitation", "SyncJob", "Sweep"}
    assert not carriers & {"GraphWebhook", "StartSync", "MailFeedback", "OauthCallback", "ReferenceHost"}
    for name in carriers:
        memory = SERVERLESS[name]["MemorySize"]
        with_exchange = memory["Fn::If"][1] if isinstance(memory, dict) else memory
        assert with_exchange >= 1024, name

"""The adapters at AWS, at moto: mail, queue, state machines, sealing, the secret, time and ids."""

import json
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

import pytest
from calsync_core.adapters.aws.clock import SystemClock, SystemIds
from calsync_core.adapters.aws.importer import StepFunctionsImporter
from calsync_core.adapters.aws.mailer import SesMailer
from calsync_core.adapters.aws.queue import SqsQueue
from calsync_core.adapters.aws.sealing import KmsSealer
from calsync_core.adapters.aws.secret import StackSecret
from calsync_core.adapters.dynamodb.stores import data_keys
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import ResourceId
from calsync_core.jobs.wishes import wish_of
from calsync_core.ports.outward import Wish
from moto import mock_aws

from tests.contract import outward_contract
from tests.contract.cloud import Cloud, client, client_error, time_out
from tests.contract.examples import A, B, R
from tests.contract.outward_contract import a_mail

SENDER = "calendar@clinic.example"
ROLE = "arn:aws:iam::123456789012:role/machine"


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def ses() -> Cloud:
    real = client("sesv2")
    real.create_email_identity(EmailIdentity=SENDER)
    return Cloud(real)


class TestMailer(outward_contract.MailerContract):
    @pytest.fixture
    def mailer(self, ses: Cloud) -> SesMailer:
        return SesMailer(ses, SENDER)

    def test_the_request_carries_every_field_and_no_raw_message(self, ses: Cloud) -> None:
        mailer = SesMailer(
            ses, SENDER, sender_name="Café Müller", reply_to="desk@clinic.example", configuration_set="feedback"
        )
        ses.instead["send_email"] = lambda _, request: {"MessageId": "m1"}

        assert mailer.send(a_mail()) == "m1"

        (_, request) = ses.calls[-1]
        assert parseaddr(request["FromEmailAddress"])[1] == SENDER
        assert "=?utf-8?" in request["FromEmailAddress"]
        assert request["Destination"] == {"ToAddresses": ["anna@example.com"]}
        assert request["ReplyToAddresses"] == ["desk@clinic.example"]
        assert request["ConfigurationSetName"] == "feedback"
        content = request["Content"]["Simple"]
        assert content["Subject"] == {"Data": "Café Müller: connect", "Charset": "UTF-8"}
        assert content["Body"]["Text"]["Data"] == "Hello Änna"
        assert content["Body"]["Html"]["Data"] == "<p>Hello Änna</p>"
        assert "Headers" not in content

    def test_only_what_may_be_unsubscribed_says_how(self, ses: Cloud) -> None:
        ses.instead["send_email"] = lambda _, request: {"MessageId": "m1"}
        by_mail = SesMailer(ses, SENDER, reply_to="desk@clinic.example")
        by_click = SesMailer(ses, SENDER, unsubscribe_url=lambda mail: f"https://calsync.example/m/{mail.kind}")

        by_mail.send(a_mail(may_unsubscribe=True))
        by_click.send(a_mail(may_unsubscribe=True))

        first, second = (request["Content"]["Simple"]["Headers"] for _, request in ses.calls)
        assert first == [{"Name": "List-Unsubscribe", "Value": "<mailto:desk@clinic.example?subject=unsubscribe>"}]
        assert second == [
            {"Name": "List-Unsubscribe", "Value": "<https://calsync.example/m/invitation>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]

    @pytest.mark.parametrize(
        ("fault", "expected", "code"),
        [
            (client_error("MessageRejected"), AppointmentRejectedError, "mail_refused"),
            (client_error("BadRequestException"), AppointmentRejectedError, "mail_refused"),
            (client_error("TooManyRequestsException", 429), ProviderThrottledError, "aws_throttled"),
            (client_error("SendingPausedException"), InstallationError, "mail_paused"),
            (client_error("Whatever", 503), ProviderUnavailableError, "aws_unavailable"),
            (time_out(), ProviderUnavailableError, "aws_unavailable"),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_refusals_of_ses_become_ours(self, ses: Cloud, fault, expected, code: str) -> None:
        ses.before["send_email"].append(fault)

        with pytest.raises(expected) as raised:
            SesMailer(ses, SENDER).send(a_mail())

        assert raised.value.code == code

    def test_without_a_sender_no_mail_is_tried(self, ses: Cloud) -> None:
        with pytest.raises(InstallationError) as raised:
            SesMailer(ses, "", sender_name="Café Müller").send(a_mail())

        assert raised.value.code == "mail_sender_missing"
        assert not ses.calls


class TestQueue(outward_contract.QueueContract):
    @pytest.fixture
    def sqs(self) -> Any:
        return client("sqs")

    @pytest.fixture
    def url(self, sqs: Any) -> Iterator[str]:
        url = sqs.create_queue(QueueName="wishes")["QueueUrl"]
        yield url
        sqs.delete_queue(QueueUrl=url)

    @pytest.fixture
    def queue(self, sqs: Any, url: str) -> SqsQueue:
        return SqsQueue(sqs, url)

    @pytest.fixture
    def received(self, sqs: Any, url: str):
        def receive() -> list[Wish]:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
            return [wish_of(one["Body"]) for one in messages]

        return receive

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (client_error("RequestThrottled"), ProviderThrottledError),
            (client_error("AWS.SimpleQueueService.NonExistentQueue"), InstallationError),
            (client_error("InternalFailure", 500), ProviderUnavailableError),
            (time_out(), ProviderUnavailableError),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_a_wish_that_was_not_taken_is_an_error(self, sqs: Any, fault, expected) -> None:
        cloud = Cloud(sqs)
        cloud.before["send_message"].append(fault)

        with pytest.raises(expected):
            SqsQueue(cloud, "http://queue").wish(Wish(A, R, "button"))


class TestImporter(outward_contract.ImporterContract):
    @pytest.fixture
    def sfn(self) -> Cloud:
        return Cloud(client("stepfunctions"))

    @pytest.fixture
    def machines(self, sfn: Cloud) -> Iterator[dict[str, str]]:
        definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        made = {
            kind: sfn.create_state_machine(name=f"sync-{kind}", definition=definition, roleArn=ROLE, type=kind)
            for kind in ("EXPRESS", "STANDARD")
        }
        yield {kind: answer["stateMachineArn"] for kind, answer in made.items()}
        for answer in made.values():
            sfn.delete_state_machine(stateMachineArn=answer["stateMachineArn"])

    @pytest.fixture
    def importer(self, sfn: Cloud, machines: dict[str, str]) -> StepFunctionsImporter:
        return StepFunctionsImporter(sfn, machines["EXPRESS"], machines["STANDARD"])

    @pytest.fixture
    def started(self, sfn: Cloud, machines: dict[str, str]):
        def count() -> int:
            return sum(len(sfn.list_executions(stateMachineArn=arn)["executions"]) for arn in machines.values())

        return count

    def test_the_name_is_a_hash_and_the_state_is_ids(self, sfn: Cloud, importer: StepFunctionsImporter) -> None:
        importer.start(Wish(A, ResourceId("foreign id: ä#|"), "import"), "run 1")

        (_, request) = next(call for call in sfn.calls if call[0] == "start_execution")
        assert request["name"].startswith("import-")
        assert request["name"].replace("-", "").isalnum()
        assert len(request["name"]) <= 80
        assert json.loads(request["input"]) == {
            "account": A,
            "resource": "foreign id: ä#|",
            "cause": "import",
            "run": "run 1",
        }

    @pytest.mark.prop("P7")
    @pytest.mark.bad_input(39)
    def test_already_started_is_no_error(self, sfn: Cloud, machines) -> None:
        sfn.before["start_execution"].append(client_error("ExecutionAlreadyExists"))

        StepFunctionsImporter(sfn, machines["EXPRESS"], machines["STANDARD"]).start(Wish(A, R, "import"), "1")

    @pytest.mark.parametrize("cause", ["notification", "host", "button", "sweep", "lifecycle"])
    def test_a_change_starts_the_express_machine_without_a_name(self, sfn: Cloud, cause: str) -> None:
        sfn.instead["start_execution"] = lambda _, request: {}

        StepFunctionsImporter(sfn, "express", "standard").start(Wish(A, R, cause), "1")

        (_, request) = sfn.calls[-1]
        assert request["stateMachineArn"] == "express"
        assert "name" not in request

    def test_a_machine_that_is_missing_is_our_fault(self, sfn: Cloud) -> None:
        sfn.before["start_execution"].append(client_error("StateMachineDoesNotExist"))

        with pytest.raises(InstallationError):
            StepFunctionsImporter(sfn, "express", "standard").start(Wish(A, R, "button"), "1")


@pytest.fixture(scope="module")
def key_arn(aws: None) -> str:
    return client("kms").create_key()["KeyMetadata"]["Arn"]


class TestSealer(outward_contract.SealerContract):
    @pytest.fixture
    def kms(self) -> Cloud:
        return Cloud(client("kms"))

    @pytest.fixture
    def sealer(self, kms: Cloud, key_arn: str, cloud: Cloud, table: str) -> KmsSealer:
        return KmsSealer(kms, key_arn, data_keys(cloud, table))

    def test_kms_is_asked_once_per_account_and_warm_function(self, sealer: KmsSealer, kms: Cloud) -> None:
        for _ in range(3):
            sealer.unseal(A, sealer.seal(A, b"x", "c"), "c")

        assert kms.names() == ["generate_data_key", "decrypt"]
        sealer.seal(B, b"x", "c")
        assert kms.names() == ["generate_data_key", "decrypt"]

    def test_another_function_opens_what_this_one_sealed(self, sealer, kms: Cloud, key_arn, cloud, table) -> None:
        sealed = sealer.seal(A, b"token", "c")
        kms.names()

        other = KmsSealer(kms, key_arn, data_keys(cloud, table))

        assert other.unseal(A, sealed, "c") == b"token"
        assert kms.names() == ["decrypt"]

    def test_two_functions_that_start_at_once_use_the_same_key(self, kms: Cloud, key_arn, cloud, table) -> None:
        first = KmsSealer(kms, key_arn, data_keys(cloud, table))
        late = data_keys(cloud, table)
        sealed_by_first: list[bytes] = []

        class LateKeys:
            """The other function claims its key between our look and our claim."""

            def load(self, account):
                found = late.load(account)
                sealed_by_first.append(first.seal(account, b"token", "c"))
                return found

            def claim(self, account, sealed):
                return late.claim(account, sealed)

        second = KmsSealer(kms, key_arn, LateKeys())

        assert second.unseal(A, second.seal(A, b"own", "c"), "c") == b"own"
        assert second.unseal(A, sealed_by_first[0], "c") == b"token"

    def test_the_text_hides_and_differs_each_time(self, sealer: KmsSealer) -> None:
        first, second = sealer.seal(A, b"refresh-token", "c"), sealer.seal(A, b"refresh-token", "c")

        assert first != second
        assert b"refresh" not in first

    @pytest.mark.parametrize("place", [0, 1, 12, 13, -1])
    def test_a_changed_byte_is_noticed(self, sealer: KmsSealer, place: int) -> None:
        sealed = bytearray(sealer.seal(A, b"token", "c"))
        sealed[place] ^= 1

        with pytest.raises(InstallationError):
            sealer.unseal(A, bytes(sealed), "c")

    def test_a_data_key_of_another_account_is_refused(self, kms: Cloud, key_arn, cloud, table) -> None:
        keys = data_keys(cloud, table)
        KmsSealer(kms, key_arn, keys).seal(A, b"x", "c")
        keys.claim(B, keys.load(A))  # somebody copied the row

        with pytest.raises(InstallationError) as failed:
            KmsSealer(kms, key_arn, keys).seal(B, b"x", "c")

        assert failed.value.code == "unsealing_failed"

    def test_accounts_are_apart_even_under_one_data_key(self, kms: Cloud, key_arn, cloud, table) -> None:
        """The local cloud's KMS does not refuse a changed ciphertext; the associated data still does."""
        kms.instead["decrypt"] = lambda _, request: {"Plaintext": bytes(32)}
        sealer = KmsSealer(kms, key_arn, data_keys(cloud, table))
        sealed = sealer.seal(A, b"token", "c")

        with pytest.raises(InstallationError):
            sealer.unseal(B, sealed, "c")

        assert sealer.unseal(A, sealed, "c") == b"token"

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("DisabledException", InstallationError),
            ("AccessDeniedException", InstallationError),
            ("ThrottlingException", ProviderThrottledError),
            ("DependencyTimeoutException", ProviderUnavailableError),
        ],
    )
    def test_a_key_that_cannot_be_used_now(self, sealer: KmsSealer, kms: Cloud, code: str, expected) -> None:
        kms.before["generate_data_key"].append(client_error(code))

        with pytest.raises(expected):
            sealer.seal(A, b"x", "c")


class TestSecret:
    def read(self, text: str) -> tuple[StackSecret, Cloud]:
        cloud = Cloud(client("secretsmanager"))
        cloud.instead["get_secret_value"] = lambda _, request: {"SecretString": text}
        return StackSecret(cloud, "arn"), cloud

    def test_it_is_read_once(self) -> None:
        secret, cloud = self.read('{"root_key": "r", "entra_client_secret": "", "oidc_client_secret": "o"}')

        assert (secret.root_key, secret.entra_client_secret, secret.oidc_client_secret) == ("r", "", "o")
        assert cloud.names() == ["get_secret_value"]
        secret.forget()
        assert secret.root_key == "r"
        assert cloud.names() == ["get_secret_value"]

    @pytest.mark.parametrize("text", ["", "no json", "[]", '{"root_key": ""}', "{}", '{"root_key": 7}'])
    def test_a_secret_without_a_root_key_is_refused_without_showing_it(self, text: str) -> None:
        secret, _ = self.read(text)

        with pytest.raises(InstallationError) as refused:
            _ = secret.root_key

        assert refused.value.code in {"secret_broken", "secret_missing"}
        assert "no json" not in str(refused.value)


class TestClock(outward_contract.ClockContract):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()


class TestIds(outward_contract.IdsContract):
    @pytest.fixture
    def ids(self) -> SystemIds:
        return SystemIds()

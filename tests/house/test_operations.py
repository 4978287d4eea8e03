"""Each alarm is one promise with a paragraph that says what to do."""

import re

from tests.house.template import REPOSITORY, load_template

OPERATIONS = load_template("stacks/operations.yaml")
ALARMS = {
    name: resource["Properties"]
    for name, resource in OPERATIONS["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}


def test_each_alarm_has_its_paragraph() -> None:
    page = (REPOSITORY / "docs/operations.md").read_text()
    paragraphs = {
        title: text.strip()
        for title, text in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    }

    assert ALARMS
    assert not [name for name in ALARMS if len(paragraphs.get(name, "")) < 80]


def test_each_alarm_tells_somebody_and_is_quiet_by_itself() -> None:
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}], name
        expected = "breaching" if name == "SweepStands" else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name


def test_the_template_gives_the_nested_stack_all_it_needs() -> None:
    given = load_template()["Resources"]["OperationsStack"]["Properties"]["Parameters"]

    assert set(given) == set(OPERATIONS["Parameters"])

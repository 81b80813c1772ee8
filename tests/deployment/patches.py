"""What the emulator cannot take of the synthesised template: every change that the check makes to it, with its reason.

A patch whose `probe` the emulator takes is needless: a test says so.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

Json = dict[str, Any]

COLLECTION_ID = "FaceValidation-deployed"


@dataclass(frozen=True, slots=True)
class Patch:
    """One change of a template.

    `probe` is the smallest template that shows the need of it, `refusal` what the emulator says of the probe.
    """

    name: str
    reason: str
    apply: Callable[[Json], Json]
    probe: Json
    refusal: str


def patched(template: Json, *, without: str | None = None) -> Json:
    """`template` with every patch but the one named `without`."""
    changed = copy.deepcopy(template)
    for patch in PATCHES:
        if patch.name != without:
            changed = patch.apply(changed)
    return changed


def _collection(template: Json) -> Json:
    """Leave the collection out, and name the one that the check creates where the template names it."""
    resources = template["Resources"]
    (name,) = (id_ for id_, resource in resources.items() if resource["Type"] == "AWS::Rekognition::Collection")
    del resources[name]
    arn = f"arn:${{AWS::Partition}}:rekognition:${{AWS::Region}}:${{AWS::AccountId}}:collection/{COLLECTION_ID}"

    def replaced(value: Any) -> Any:
        if value == {"Ref": name}:
            return COLLECTION_ID
        if value == {"Fn::GetAtt": [name, "Arn"]}:
            return {"Fn::Sub": arn}
        if isinstance(value, dict):
            return {key: replaced(of) for key, of in value.items()}
        if isinstance(value, list):
            return [replaced(of) for of in value]
        return value

    changed: Json = replaced(template)
    return changed


def _labelled_metrics(template: Json) -> Json:
    """Write an alarm's one labelled metric as the alarm's own metric; the label is shown on a graph, no more."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            properties = resource["Properties"]
            (query,) = properties.pop("Metrics")
            metric = query["MetricStat"]
            statistic = metric["Stat"]
            kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
            properties |= {**metric["Metric"], "Period": metric["Period"], kind: statistic}
    return template


PATCHES = (
    Patch(
        name="collection",
        reason="ministack has no Rekognition. The check creates the collection in rekognition_local, under a fixed id.",
        apply=_collection,
        probe={"Resources": {"Faces": {"Type": "AWS::Rekognition::Collection", "Properties": {"CollectionId": "c"}}}},
        refusal="Unrecognized resource types",
    ),
    Patch(
        name="labelled-metrics",
        reason="CDK writes an alarm on a metric with a label as a list of metrics, which ministack takes for maths.",
        apply=_labelled_metrics,
        probe={
            "Resources": {
                "Alarm": {
                    "Type": "AWS::CloudWatch::Alarm",
                    "Properties": {
                        "ComparisonOperator": "GreaterThanThreshold",
                        "EvaluationPeriods": 1,
                        "Threshold": 1,
                        "Metrics": [
                            {
                                "Id": "m1",
                                "Label": "requests",
                                "ReturnData": True,
                                "MetricStat": {
                                    "Metric": {"Namespace": "AWS/ApiGateway", "MetricName": "Count"},
                                    "Period": 300,
                                    "Stat": "Sum",
                                },
                            }
                        ],
                    },
                }
            }
        },
        refusal="metric math",
    ),
)


def give_back_dropped_tags(s3: Any, template: Json, physical_id: Callable[[str], str]) -> None:
    """Set each bucket's tags, which ministack drops when it creates the bucket: CDK's own function that empties a
    bucket when a stage is destroyed does so only to a bucket with its tag.

    Raises:
        AssertionError: the emulator kept the tags of a bucket, so that this is needless.
    """
    for id_, resource in template["Resources"].items():
        if resource["Type"] == "AWS::S3::Bucket" and "Tags" in resource["Properties"]:
            bucket = physical_id(id_)
            try:
                kept = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "NoSuchTagSet", error  # noqa: PT017 - of no test
            else:
                raise AssertionError(f"The emulator kept {kept} of {bucket}: giving tags back is needless.")
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": resource["Properties"]["Tags"]})

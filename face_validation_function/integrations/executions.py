"""AWS Step Functions and EventBridge in our words: a job's execution started and looked at, its end told."""

import json
from typing import Any

from face_validation_function.integrations.aws_errors import Ignoring, translate_aws_errors
from face_validation_function.jobs import Job

EVENT_SOURCE, EVENT_TYPE = "face-validation", "Job ended"
RUNNING = "RUNNING"


class Executions:
    """The executions of one state machine; `client` is a Step Functions client."""

    def __init__(self, client: Any, state_machine: str) -> None:
        self._client, self._state_machine = client, state_machine

    def start(self, job: Job) -> None:
        """Start a job's attempt; once more is the same."""
        asked = {"client": job.client, "job_id": job.job_id, "attempt": job.attempt}
        with translate_aws_errors("StepFunctions", {}), Ignoring("ExecutionAlreadyExists"):
            self._client.start_execution(
                stateMachineArn=self._state_machine, name=job.execution, input=json.dumps(asked)
            )

    def status(self, job: Job) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, or MISSING."""
        arn = self._state_machine.replace(":stateMachine:", ":execution:")
        with translate_aws_errors("StepFunctions", {}), Ignoring("ExecutionDoesNotExist"):
            return str(self._client.describe_execution(executionArn=f"{arn}:{job.execution}")["status"])
        return "MISSING"


class Events:
    """The account's event bus; `client` is an EventBridge client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def job_ended(self, job_id: str, told: dict[str, Any]) -> None:
        """Tell that a job has ended: its id, its state and its counts, nothing else."""
        detail = json.dumps({"job_id": job_id, **told})
        entry = {"Source": EVENT_SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}
        with translate_aws_errors("EventBridge", {}):
            answer = self._client.put_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                raise ValueError(answer["Entries"])

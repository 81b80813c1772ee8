"""Jobs as their clients see them: created, listed, looked at, stopped, asked again, and their results fetched."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from face_validation_function.exceptions.exceptions import ConflictError, ForbiddenError
from face_validation_function.integrations.jobs_on_aws import RUNNING, Executions, JobFiles, JobsTable
from face_validation_function.jobs import Job, Kind, State
from face_validation_function.routes import READ, WRITE
from face_validation_function.services.job_manifest import check_defaults
from face_validation_function.validations.job_requests import JobRequest

SCOPES: Mapping[Kind, str] = {Kind.VALIDATION: WRITE, Kind.ENROLMENT: WRITE, Kind.SEARCH: READ}
# An execution that lives reports more often. So nobody who looks at a job asks Step Functions, until it is quiet.
QUIET_S = 60.0


@dataclass(frozen=True, slots=True)
class BulkJobs:
    """The jobs of every client; each client knows its own alone."""

    files: JobFiles
    table: JobsTable
    executions: Executions
    quiet_s: float = QUIET_S

    def create(self, client: str, scopes: frozenset[str], request: JobRequest) -> Job:
        """Create a job and start it; the same request under the same id again is the same job.

        ForbiddenError without the scope of the route that the job repeats, RequestError or InvalidS3ObjectError when
        the manifest or the defaults cannot be used, ConflictError when the client has another job with this id.
        """
        if (scope := SCOPES[request.kind]) not in scopes:
            raise ForbiddenError(f"kind: a {request.kind} job needs the scope {scope}.")
        check_defaults(request.kind, request.defaults)
        asked = request.model_dump(mode="json", exclude={"id_request"})
        etag, now = self.files.manifest_etag(request.manifest_path), time.time()
        job = Job(client, request.id_request.lower(), asked, etag, created_at=now, updated_at=now)
        try:
            self.table.create(job)
        except ConflictError:
            job = self.table.read(client, job.job_id)
            if job.asked != asked:
                raise ConflictError(f"id_request: the job {job.job_id} was created with another body.") from None
        if not job.state.is_final:
            self.executions.start(job)
        return job

    def show(self, client: str, job_id: str) -> Job:
        """A job as it is now; raises NotFoundError when the client has no such job."""
        job = self.table.read(client, job_id)
        if job.state.is_final or time.time() - job.updated_at < self.quiet_s:
            return job
        status = self.executions.status(job)
        if status == RUNNING:
            return self._changed(job, updated_at=time.time())
        state = State.STOPPED if job.state is State.STOPPING else State.FAILED
        return self._changed(job, state=state, error=f"its execution is {status}", finished_at=time.time())

    def stop(self, client: str, job_id: str) -> Job:
        """Ask no more lines; what was paid for is kept. A job that has ended stays as it is."""
        job = self.show(client, job_id)
        return job if job.state.is_final else self._changed(job, state=State.STOPPING)

    def redrive(self, client: str, job_id: str) -> Job:
        """Ask the lines without an outcome again; raises ConflictError if there are none, or the job has not ended."""
        job = self.show(client, job_id)
        if not job.state.is_final:
            raise ConflictError(f"the job {job_id} is {job.state}: wait until it has ended, or stop it.")
        if job.state is State.REFUSED or (job.lines and job.counts.answered + job.counts.refused == job.lines):
            raise ConflictError(f"the job {job_id} is {job.state}: it has no line to ask again.")
        values: dict[str, Any] = {"attempt": job.attempt + 1, "updated_at": time.time()}
        job = self.table.change(job, job.state, state=State.RUNNING, error=None, finished_at=None, **values)
        self.executions.start(job)
        return job

    def results(self, client: str, job_id: str) -> str:
        """The address of the results, good for five minutes; raises ConflictError when there are none yet."""
        job = self.show(client, job_id)
        url = self.files.link(job.results_key) if job.state.is_final else None
        if url is None:
            raise ConflictError(f"the job {job_id} is {job.state}: it has no results.")
        return url

    def _changed(self, job: Job, **values: Any) -> Job:
        try:
            return self.table.change(job, job.state, **values)
        except ConflictError:  # it went on meanwhile
            return self.table.read(job.client, job.job_id)

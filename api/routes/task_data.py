"""Large data of tasks: chunks from workers, a stream to readers."""

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, request
from pydantic import Field

from api.jobs import read_job
from api.large_data import (
    LARGEST,
    SHA256,
    Place,
    gzipped,
    inflated,
    read_chunks,
    received_bytes,
)
from api.leases import Held
from api.models import Answer, Query
from api.openapi import blueprint, problem_responses
from api.principal import lease_owner
from api.problems import NotFound
from api.routes.jobs import JobPath
from api.state import current_state
from api.storable import StorableText
from api.task_results import read_result
from api.uploads import receive_chunk

routes = blueprint("task_data", __name__)
TOKEN_HEADER = "X-Trueline-Lease"  # noqa: S105 - a header's name


class DataPath(JobPath):
    """Which data of which job a chunk belongs to."""

    sha256: str = Field(pattern=SHA256)


class ChunkQuery(Query):
    """Where a chunk belongs."""

    attempt: int = Field(ge=1, le=2**31 - 1)
    start: int = Field(ge=0, le=LARGEST, description="how many bytes come before it")


class TaskPath(JobPath):
    """Which task of which job."""

    task: StorableText = Field(max_length=200)


class Received(Answer):
    """How much of the data is here, from its beginning."""

    received_bytes: int


@routes.put(
    "/jobs/<job_id>/data/<sha256>",
    operation_id="upload_task_data",
    responses={200: Received, **problem_responses(404, 409, 413)},
)
def upload(path: DataPath, query: ChunkQuery) -> dict[str, Any]:
    """Take a chunk of a task's compressed data; X-Trueline-Lease carries the lease's token."""
    state = current_state()
    token = request.headers.get(TOKEN_HEADER, "")
    lease = Held(path.job_id, query.attempt, token, lease_owner())
    content = request.get_data()
    limit_bytes = state.settings.result_limit_bytes
    received = receive_chunk(state.database, lease, path.sha256, query.start, content, limit_bytes)
    return {"received_bytes": received}


@routes.get(
    "/jobs/<job_id>/tasks/<task>/data",
    operation_id="read_task_data",
    responses={
        200: {"description": "the data", "content": {"application/json": {}}},
        **problem_responses(404),
    },
)
def read(path: TaskPath) -> Response:
    """Read a task's data, small or large; compressed as Accept-Encoding asks for it."""
    state = current_state()
    with state.database.read() as connection:
        job = read_job(connection, path.job_id)
        result = read_result(connection, job.id, path.task)
        large = result.get("large_data")
        if large is None:
            return Response(current_app.json.dumps(result["data"]), mimetype="application/json")
        place = Place(job.id, job.attempt, large["sha256"])
        if not received_bytes(connection, place):
            raise NotFound(
                f"the data of task {path.task!r} has been removed: it was old",
                "run the deployment again; TRUELINE_KEEP_DATA_DAYS says how long data is kept",
            )
    chunks = read_chunks(state.database, place)
    return _streamed(chunks, large)


def _streamed(chunks: Iterator[bytes], large: dict[str, Any]) -> Response:
    accepted = request.accept_encodings
    coding = accepted.best_match(["zstd", "gzip", "identity"], default="identity")
    if coding == "zstd":
        body, size_bytes = chunks, large["stored_bytes"]
    elif coding == "gzip":
        body, size_bytes = gzipped(inflated(chunks)), None
    else:
        body, size_bytes = inflated(chunks), large["size_bytes"]
    response = Response(body, mimetype="application/json")
    response.headers["Vary"] = "Accept-Encoding"
    if coding != "identity":
        response.headers["Content-Encoding"] = coding
    if size_bytes is not None:
        response.content_length = size_bytes
    return response

"""Takes in chunks of large data: fenced by the lease, in order, each once."""

from api.database import Database
from api.jobs import lock_job
from api.large_data import Place, insert_chunk, received_bytes
from api.leases import Held, owns
from api.problems import Conflict, TooLarge

SLACK_BYTES = 64 * 1024  # what cannot be compressed grows a little


def receive_chunk(
    database: Database, lease: Held, sha256: str, start: int, content: bytes, limit_bytes: int
) -> int:
    """Store a chunk that begins where the ones before it end; return how much is there.

    Any other chunk changes nothing: the answer says where to go on. Raises Conflict where the
    lease is lost, TooLarge past the limit of a result.
    """
    place = Place(lease.job_id, lease.attempt, sha256)
    with database.write() as connection:
        job = lock_job(connection, lease.job_id)
        if not owns(job, lease):
            raise Conflict(
                "the job is no longer leased to this worker under this attempt",
                "drop the attempt; the one that holds the lease reports for the job",
            )
        received = received_bytes(connection, place)
        if start != received or not content or job.ended:
            return received
        if received + len(content) > limit_bytes + limit_bytes // 64 + SLACK_BYTES:
            raise TooLarge(
                f"more than TRUELINE_RESULT_LIMIT_BYTES of the API ({limit_bytes} bytes)",
                "give API and worker the same setting",
            )
        insert_chunk(connection, place, start, content)
        return received + len(content)

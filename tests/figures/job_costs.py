"""What bulk jobs of a million lines take on AWS: time, money, transitions, DynamoDB units, and the limit that bites.

    python -m tests.figures.job_costs       prints the table of docs/jobs.md

No measurement: the arithmetic of the state machine and of its functions, with the prices of us-east-1.
"""

from face_validation_function.services.job_steps import LEAST_LINES, MOST_LINES

LINES = 1_000_000
CALLS = {"DetectFaces": 2, "CompareFaces": 1}
# An image in S3 and three calls, as one line takes them one after the other.
SECONDS_OF_A_LINE = 0.8

USD_REKOGNITION = ((1_000_000, 0.001), (4_000_000, 0.0008), (30_000_000, 0.0006), (float("inf"), 0.0004))
USD_TRANSITION = 0.025 / 1000
USD_LAMBDA_GB_S, USD_LAMBDA_CALL = 0.0000133334, 0.2 / 1_000_000  # arm64
USD_WRITE_UNIT, USD_READ_UNIT = 0.625 / 1_000_000, 0.125 / 1_000_000
USD_PUT, USD_GET = 0.005 / 1000, 0.0004 / 1000
LINES_MEMORY_GB, OTHER_S = 1.769, 600
# Of each batch: the child, its three states. Of each job: its own states.
TRANSITIONS_OF_A_BATCH, TRANSITIONS_OF_A_JOB = 4, 7
# Of each line: the claim, its outcome, and a reserved point in time for each call.
WRITES_OF_A_LINE = 2 + sum(CALLS.values())
# Of each line: the job's row (half a unit), and a share of the batch's look at its claims.
READS_OF_A_LINE = 0.5 + 1.0
DISPATCHED_A_SECOND, CHILDREN_AT_ONCE, WRITES_OF_A_ROW = 100, 10_000, 1000


def simulated(jobs: int, concurrency: int, tps: int) -> dict[str, str]:
    """A row of the table: jobs that run at once and share the pace, `tps` calls a second of each operation."""
    lines, size = jobs * LINES, max(LEAST_LINES, min(MOST_LINES, LINES // 1000))
    batches = lines // size
    limits = {  # lines a second that each allows, the lowest of which bites
        "Rekognition's quota of DetectFaces": tps / CALLS["DetectFaces"],
        "Rekognition's quota of CompareFaces": tps / CALLS["CompareFaces"],
        "max_concurrency": jobs * concurrency / SECONDS_OF_A_LINE,
        "Step Functions: 100 children a second": DISPATCHED_A_SECOND * lines / batches,
        "Step Functions: 10,000 children at once, a job": jobs * CHILDREN_AT_ONCE / SECONDS_OF_A_LINE,
        "DynamoDB: 1,000 writes a second on the row of the pace": WRITES_OF_A_ROW / CALLS["DetectFaces"],
    }
    first = min(limits, key=limits.__getitem__)
    seconds = lines / limits[first] + OTHER_S  # from the first line to the last, and the steps before and after
    transitions = batches * TRANSITIONS_OF_A_BATCH + jobs * TRANSITIONS_OF_A_JOB
    writes, reads = lines * WRITES_OF_A_LINE + batches, lines * READS_OF_A_LINE + batches * 2
    # Workers wait for their turn, and Lambda bills that: no more of them than the pace feeds.
    busy_s = jobs * min(concurrency, CHILDREN_AT_ONCE) * seconds
    usd = {
        "Rekognition": _tiered(lines * sum(CALLS.values())),
        "Lambda": busy_s * LINES_MEMORY_GB * USD_LAMBDA_GB_S + (batches + busy_s / 600) * USD_LAMBDA_CALL,
        "Step Functions": transitions * USD_TRANSITION,
        "DynamoDB": writes * USD_WRITE_UNIT + reads * USD_READ_UNIT,
        "S3": batches * (3 * USD_PUT + 3 * USD_GET) + lines * 2 * USD_GET,
    }
    return {
        "jobs": f"{jobs}",
        "at once each": f"{concurrency}",
        "calls/s": f"{tps}",
        "hours": f"{seconds / 3600:,.1f}",
        "transitions": f"{transitions:,}",
        "write units": f"{writes / 1e6:,.1f} M",
        "read units": f"{reads / 1e6:,.1f} M",
        **{name: f"{of:,.2f}" if of < 100 else f"{of:,.0f}" for name, of in usd.items()},
        "first limit": first,
    }


def _tiered(calls: float) -> float:
    """The price of so many calls in one month."""
    total = 0.0
    for size, price in USD_REKOGNITION:
        total += min(calls, size) * price
        calls -= min(calls, size)
    return total


def table() -> str:
    """The cases as a table of Markdown."""
    cases = ((1, 10, 5), (1, 40, 50), (1, 1000, 2000), (10, 10, 5), (10, 10, 50), (10, 1000, 2000))
    rows = [simulated(*case) for case in cases]
    lines = (rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table())

"""What bulk jobs of a million lines take on AWS: time, money, transitions, DynamoDB units, and the limit that bites.

    python -m benchmarks.jobs       prints the table of docs/jobs.md

No measurement: the arithmetic of the state machine and of its functions, with the prices of us-east-1.
"""

from dataclasses import dataclass

from face_validation_function.services.job_batches import LEAST_LINES, MOST_LINES

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
HOURS = 3600


@dataclass(frozen=True, slots=True)
class Simulated:
    """Jobs that run at once, sharing the account's pace; `tps` calls a second of each operation."""

    jobs: int
    concurrency: int
    tps: int

    @property
    def lines(self) -> int:
        """Of all jobs."""
        return self.jobs * LINES

    @property
    def batches(self) -> int:
        """Of all jobs."""
        size = max(LEAST_LINES, min(MOST_LINES, LINES // 1000))
        return self.lines // size

    @property
    def limits(self) -> dict[str, float]:
        """Lines a second that each limit allows, the lowest of which bites."""
        size = self.lines / self.batches
        return {
            "Rekognition's quota of DetectFaces": self.tps / CALLS["DetectFaces"],
            "Rekognition's quota of CompareFaces": self.tps / CALLS["CompareFaces"],
            "max_concurrency": self.jobs * self.concurrency / SECONDS_OF_A_LINE,
            "Step Functions: 100 children a second": DISPATCHED_A_SECOND * size,
            "Step Functions: 10,000 children at once, a job": self.jobs * CHILDREN_AT_ONCE / SECONDS_OF_A_LINE,
            "DynamoDB: 1,000 writes a second on the row of the pace": WRITES_OF_A_ROW / CALLS["DetectFaces"],
        }

    @property
    def hours(self) -> float:
        """From the first line to the last, and the steps before and after."""
        return (self.lines / min(self.limits.values()) + OTHER_S) / HOURS

    @property
    def bites(self) -> str:
        """The limit that is reached first."""
        return min(self.limits, key=self.limits.__getitem__)

    @property
    def transitions(self) -> int:
        """What Step Functions bills."""
        return self.batches * TRANSITIONS_OF_A_BATCH + self.jobs * TRANSITIONS_OF_A_JOB

    @property
    def writes(self) -> float:
        """Write units of DynamoDB."""
        return self.lines * WRITES_OF_A_LINE + self.batches

    @property
    def reads(self) -> float:
        """Read units of DynamoDB."""
        return self.lines * READS_OF_A_LINE + self.batches * 2

    @property
    def usd(self) -> dict[str, float]:
        """The cost by service."""
        # Workers wait for their turn, and Lambda bills that: no more of them than the pace feeds.
        busy = min(self.jobs * self.concurrency, self.jobs * CHILDREN_AT_ONCE)
        return {
            "Rekognition": _tiered(self.lines * sum(CALLS.values())),
            "Lambda": busy * self.hours * HOURS * LINES_MEMORY_GB * USD_LAMBDA_GB_S
            + (self.batches + busy * self.hours * HOURS / 600) * USD_LAMBDA_CALL,
            "Step Functions": self.transitions * USD_TRANSITION,
            "DynamoDB": self.writes * USD_WRITE_UNIT + self.reads * USD_READ_UNIT,
            "S3": self.batches * (3 * USD_PUT + 3 * USD_GET) + self.lines * 2 * USD_GET,
        }


def _tiered(calls: float) -> float:
    """The price of so many calls in one month."""
    total = 0.0
    for size, price in USD_REKOGNITION:
        total += min(calls, size) * price
        calls -= min(calls, size)
    return total


CASES = (
    Simulated(1, 10, 5),
    Simulated(1, 40, 50),
    Simulated(1, 1000, 2000),
    Simulated(10, 10, 5),
    Simulated(10, 10, 50),
    Simulated(10, 1000, 2000),
)


def table() -> str:
    """The cases as a table of Markdown."""
    names = [*CASES[0].usd]
    head = [
        "jobs",
        "at once each",
        "calls/s",
        "hours",
        "transitions",
        "write units",
        "read units",
        *names,
        "first limit",
    ]
    rows = [
        [
            f"{case.jobs}",
            f"{case.concurrency}",
            f"{case.tps}",
            f"{case.hours:,.1f}",
            f"{case.transitions:,}",
            f"{case.writes / 1e6:,.1f} M",
            f"{case.reads / 1e6:,.1f} M",
            *(f"{of:,.2f}" if of < 100 else f"{of:,.0f}" for of in case.usd.values()),
            case.bites,
        ]
        for case in CASES
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    print(table())

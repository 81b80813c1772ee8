"""The table of enrolled faces as DynamoDB is asked for it."""

from typing import Any

from face_validation_function.integrations.faces_table import FacesTable
from face_validation_function.people import PhotoVersion


class Client:
    """Takes every row and keeps what it was asked."""

    def __init__(self) -> None:
        self.puts: list[dict[str, Any]] = []

    def put_item(self, **asked: Any) -> None:
        self.puts.append(asked)


def test_a_claim_is_left_alone_for_two_minutes_which_no_function_runs() -> None:
    client = Client()

    assert FacesTable(client, "faces").claim(PhotoVersion("Ann", "index/ann.jpg", "1")) is None

    (asked,) = client.puts
    claimed_at, expired = asked["Item"]["claimed_at"]["N"], asked["ExpressionAttributeValues"][":expired"]["N"]
    assert int(claimed_at) - int(expired) == 120

"""One table of DynamoDB: our values in and out, conditional writes, tokens of pages, its errors in our words."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from face_validation_function.exceptions.exceptions import InternalServerError, RequestError
from face_validation_function.integrations.aws_client import Refusals, code_of, translate_aws_errors

Row = Mapping[str, Any]
"""Texts, numbers and truth values by their attributes' names; an attribute whose value is None is left out."""

Key = dict[str, dict[str, str]]
"""A row's key, as DynamoDB writes it."""

_REFUSED = "ConditionalCheckFailedException"


class ConditionNotMetError(InternalServerError, has_own_code=False):
    """DynamoDB did not write, since the row is not in the state that the write asks for."""


_FALSE_START: Refusals = {"ValidationException": RequestError}
CONDITION: Refusals = dict.fromkeys((_REFUSED, "TransactionCanceledException"), ConditionNotMetError)


class Table:
    """Calls on one table; `client` is a DynamoDB client.

    In expressions `#name` stands for the attribute of this name, and `:name` for the one of `values`.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def get(self, key: Row, *, consistent: bool = True) -> dict[str, Any] | None:
        """The row under a key; None when there is none."""
        with translate_aws_errors("DynamoDB", {}):
            found = self._client.get_item(**self.request(Key=key, ConsistentRead=consistent)).get("Item")
            return plain(found) if found else None

    def write(
        self, method: str, values: Row | None = None, refusals: Refusals = CONDITION, **asked: Any
    ) -> dict[str, Any]:
        """Call one of the client's methods that write; what `ReturnValues` asks for. Raises ConditionNotMetError."""
        with translate_aws_errors("DynamoDB", refusals):
            return plain(getattr(self._client, method)(**self.request(values, **asked)).get("Attributes", {}))

    def page(self, method: str, values: Row | None = None, **asked: Any) -> tuple[list[dict[str, Any]], Key | None]:
        """Some rows by `query` or `scan`, and the key where the next page begins; RequestError for a false start."""
        with translate_aws_errors("DynamoDB", _FALSE_START if "ExclusiveStartKey" in asked else {}):
            answer = getattr(self._client, method)(**self.request(values, **asked))
            return list(map(plain, answer["Items"])), answer.get("LastEvaluatedKey")

    def put_or_read(self, row: Row, condition: str, values: Row) -> dict[str, Any]:
        """Put a row where the condition holds; the row that stands then, whichever it is."""
        with translate_aws_errors("DynamoDB", {}):
            asked = self.request(
                values, Item=row, ConditionExpression=condition, ReturnValuesOnConditionCheckFailure="ALL_OLD"
            )
            try:
                self._client.put_item(**asked)
            except ClientError as error:
                if code_of(error) != _REFUSED:
                    raise
                response: Mapping[str, Any] = error.response
                return plain(response["Item"])
            return dict(row)

    def read_many(self, keys: list[dict[str, str]]) -> list[dict[str, Any]]:
        """The rows that stand under up to 100 keys, in no order; read consistently."""
        asked: Any = {self._name: {"Keys": [attributes(key) for key in keys], "ConsistentRead": True}}
        found: list[dict[str, Any]] = []
        with translate_aws_errors("DynamoDB", {}):
            while asked:  # an answer holds 16 MB at most, and says what it left out
                answer = self._client.batch_get_item(RequestItems=asked)
                found += map(plain, answer["Responses"][self._name])
                asked = answer.get("UnprocessedKeys")
        return found

    def query_all(self, keys: str, values: Row) -> list[dict[str, Any]]:
        """Every row of a partition, or of a part of it; read consistently."""
        asked = self.request(values, KeyConditionExpression=keys, ConsistentRead=True)
        with translate_aws_errors("DynamoDB", {}):
            return [
                plain(row) for page in self._client.get_paginator("query").paginate(**asked) for row in page["Items"]
            ]

    def transact(self, *steps: tuple[str, dict[str, Any]]) -> None:
        """Do several steps, (kind, what `request` made), or none of them; raises ConditionNotMetError."""
        with translate_aws_errors("DynamoDB", CONDITION):
            self._client.transact_write_items(TransactItems=[{kind: asked} for kind, asked in steps])

    def request(self, values: Row | None = None, **asked: Any) -> dict[str, Any]:
        """The arguments of a call on this table."""
        for part in {"Key", "Item"} & asked.keys():
            asked[part] = attributes(asked[part])
        expressions = " ".join(text for name, text in asked.items() if name.endswith("Expression"))
        if names := re.findall(r"#(\w+)", expressions):
            asked["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        if values:
            asked["ExpressionAttributeValues"] = attributes({f":{name}": value for name, value in values.items()})
        return {"TableName": self._name, **asked}


def attributes(row: Row) -> dict[str, dict[str, Any]]:
    """A row as DynamoDB writes it."""
    return {name: _attribute(value) for name, value in row.items() if value is not None}


def plain(row: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A row of DynamoDB's as our values."""
    return {
        name: json.loads(value) if kind == "N" else value for name, one in row.items() for kind, value in one.items()
    }


def token_of(key: Key | None) -> str | None:
    """The token of the page that begins after this row; None where there is no such page."""
    return base64.urlsafe_b64encode(json.dumps(key, sort_keys=True).encode()).decode() if key else None


def start_of(token: str, **names: str) -> Key:
    """The row that a page begins after, of attributes of these types; raises RequestError for a false token."""
    try:
        key: Key = json.loads(base64.urlsafe_b64decode(token.encode()))
        types = {name: [*value] for name, value in key.items()}
        texts = [text for value in key.values() for text in value.values()]
    except (AttributeError, TypeError, ValueError, RecursionError):
        types, texts = {}, []
    if types != {name: [kind] for name, kind in names.items()} or not all(isinstance(text, str) for text in texts):
        raise RequestError("next_token is not one that this service gave.")
    return key


def _attribute(value: str | float) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    # DynamoDB keeps 38 digits and refuses exponents below -130; nine decimals are far below a pixel.
    return {"BOOL": value} if isinstance(value, bool) else {"N": str(round(value, 9))}

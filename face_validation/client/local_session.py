"""boto3 for a server on this machine: it reads none of the user's AWS settings and goes through no proxy."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

REGION = "us-east-1"
MADE_UP = "local"


def client_on_this_machine(service: str, endpoint: str, config: "Config") -> Any:
    """A boto3 client of `service` at a loopback address, with credentials of no account.

    AWS_PROFILE, AWS_CONFIG_FILE, ~/.aws and every other setting of an account are never read, so that a stale one
    breaks nothing. What is meant for 127.0.0.1 never goes to a proxy, to which HTTP_PROXY alone would send it.
    """
    import boto3  # here: it takes half a second, and only uploads need it
    import botocore.session
    from botocore.config import Config

    settings = botocore.session.Session.SESSION_VARIABLES
    defaults = {name: (None, None, default, conversion) for name, (_, _, default, conversion) in settings.items()}
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session: Any = boto3.session.Session(
        aws_access_key_id=MADE_UP,
        aws_secret_access_key=MADE_UP,
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars={**defaults, **files}),
    )
    here = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
    return session.client(service, endpoint_url=endpoint, config=here)

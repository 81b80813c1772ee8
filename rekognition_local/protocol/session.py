"""botocore without the user's settings: what answers on this machine depends on no profile or file of an account."""

import os

import botocore.session

# Each setting's default alone: neither its variable nor its name in the configuration file is looked at.
_DEFAULTS_ONLY = {
    name: (None, None, default, conversion)
    for name, (_, _, default, conversion) in botocore.session.Session.SESSION_VARIABLES.items()
}
_NO_FILES = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


def session_of_no_account() -> botocore.session.Session:
    """A session that never reads AWS_PROFILE, AWS_CONFIG_FILE, ~/.aws, or any other setting of an account."""
    return botocore.session.Session(session_vars={**_DEFAULTS_ONLY, **_NO_FILES})

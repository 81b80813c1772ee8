"""An AWS that others wrote: `ministack` on 127.0.0.1, which enforces IAM and TLS, with Rekognition beside it."""

import hashlib
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.bundling import ROOT
from rekognition_local.server.process import rekognition_process

HOST = "127.0.0.1"
REGION = "eu-west-1"
ACCOUNT = "000000000000"
REQUIREMENTS = ROOT / "requirements" / "deploy.txt"
# Lambda's Node runtime carries the AWS SDK, which CDK's own function needs; ministack has none.
NODE_PACKAGES = ROOT / "node_modules"
CDK = NODE_PACKAGES / ".bin" / "cdk"
START_TIMEOUT_S = 60
CDK_TIMEOUT_S = 420

# Neither opens an account: the emulator takes any for its root user.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class EmulatedAws:
    """One running emulator: its two addresses, clients of its services, and the CDK command line pointed at it.

    `endpoint` speaks TLS. `plain_endpoint` does not, and is the way to see that the TLS rules hold.
    """

    def __init__(self, endpoint: str, plain_endpoint: str, certificate: Path, rekognition_endpoint: str) -> None:
        self.endpoint, self.plain_endpoint = endpoint, plain_endpoint
        self.rekognition_endpoint = rekognition_endpoint
        self.http = httpx.Client(verify=_trusting(certificate), timeout=60, trust_env=False)
        self.certificate = certificate

    def client(self, service: str, *, endpoint: str | None = None) -> Any:
        """A boto3 client of one service, as the account's root user."""
        session: Any = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        return session.client(service, endpoint_url=endpoint or self.endpoint, verify=str(self.certificate))

    def as_a_role_that_may(self, *actions: str) -> Any:
        """A boto3 session of a new role with those rights; the root user is above the policies of buckets."""
        trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        name = f"role-{secrets.token_hex(4)}"
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trusted))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_policy(allowed))
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        return boto3.session.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=REGION,
        )

    def rekognition(self) -> Any:
        """A boto3 client of the Rekognition that the functions call."""
        return self.client("rekognition", endpoint=self.rekognition_endpoint)

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CDK command line; standard error is part of `stdout`. A failure is an answer, not an exception."""
        return run_cdk(*arguments, variables={"AWS_ENDPOINT_URL": self.endpoint, **_trust(self.certificate)})


def run_cdk(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the pinned CDK command line in the project's folder, without the caller's own AWS settings."""
    binaries = ROOT / ".venv" / "bin"
    return subprocess.run(
        [CDK, *arguments, "--no-notices", "--ci"],
        cwd=ROOT,
        env=_without_aws() | {"PATH": f"{binaries}:{os.environ['PATH']}"} | dict(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=CDK_TIMEOUT_S,
        check=False,
    )


@contextmanager
def emulated_aws(interpreter: Path) -> Iterator[EmulatedAws]:
    """Start the emulator and Rekognition on free ports; both end with the block.

    Args:
        interpreter: runs the emulator and, in it, the Python functions: of the version that they are bundled for.
    """
    binaries = _environment(interpreter)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="emulated-aws-")))
        certificate, key = _certificate(folder)
        port, plain_port = _free_ports()
        endpoint, plain_endpoint = f"https://{HOST}:{port}", f"http://{HOST}:{plain_port}"
        trust = _trust(certificate)
        rekognition = opened.enter_context(rekognition_process(_without_aws() | trust, ["--s3-endpoint", endpoint]))
        aws = EmulatedAws(endpoint, plain_endpoint, certificate, rekognition())
        opened.callback(aws.http.close)
        command: list[str | Path] = [
            binaries / "hypercorn", "--log-level", "warning", "--certfile", certificate, "--keyfile", key,
            "--bind", f"{HOST}:{port}", "--insecure-bind", f"{HOST}:{plain_port}", "ministack.app:app",
        ]  # fmt: skip
        log = opened.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_without_aws()
            | trust
            | {
                "AUTH": "true",
                "MINISTACK_HOST": HOST,
                "MINISTACK_REGION": REGION,
                "GATEWAY_PORT": str(plain_port),
                "NODE_PATH": str(NODE_PACKAGES),
                "TMPDIR": str(folder),
                "IOT_MTLS_ENABLED": "0",  # it would listen on all addresses
                "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1",  # AWS waits one minute, then two
                # What the functions inherit, in place of AWS's own addresses.
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ENDPOINT_URL_REKOGNITION": aws.rekognition_endpoint,
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        opened.callback(_stop, process)
        _wait(aws, process, folder / "log")
        yield aws


def _environment(interpreter: Path) -> Path:
    """The folder of the emulator's programs, installed once for each set of pins and interpreter."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes() + str(interpreter).encode()).hexdigest()[:12]
    folder = ROOT / "build" / f"ministack-{pins}"
    if not (folder / "installed").exists():
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--require-hashes", "--no-deps", "-r", REQUIREMENTS], check=True)
        (folder / "installed").touch()
    return folder / "bin"


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of one day for 127.0.0.1 and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, key_file


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def _trust(certificate: Path) -> dict[str, str]:
    names = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    return dict.fromkeys(names, str(certificate))


def _without_aws() -> dict[str, str]:
    """This process's environment with no AWS account, no proxy and no telemetry in it."""
    dropped = ("AWS_", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | CREDENTIALS | {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def _wait(aws: EmulatedAws, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            if aws.http.get(f"{aws.endpoint}/_ministack/health").is_success:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The emulator did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The emulator and the workers of its functions, which are a process group of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.create_server((HOST, 0)) as one, socket.create_server((HOST, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]

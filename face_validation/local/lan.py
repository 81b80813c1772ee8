"""`--lan`: the validation page for a phone on the same network, its link as a QR code on the terminal."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.gateway.server_thread import ServerThread
from face_validation.local.stack_info import StackInfo
from face_validation.local.web.lan_site import PORT, LanSite, own_address, write_certificate
from face_validation.local.web.own_site import OwnSite
from face_validation.local.web.page_routes import PageRoutes
from face_validation.local.web.stack_api import StackApi
from rekognition_local.server.process import listening

# Two rows of modules make one row of characters.
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_BORDER = 2  # beside the encoder's own two: a reader wants four


@contextmanager
def lan_page(stack: StackInfo, console: Console) -> Iterator[None]:
    """Serve the validation page of a running stack to the network, and show the link; OSError without a network."""
    address = own_address()
    with _listening(address) as listener, tempfile.TemporaryDirectory() as folder:
        certificate, fingerprint = write_certificate(address, Path(folder))
        origin = f"https://{address}:{listener.getsockname()[1]}"
        api = StackApi(stack, aws_client("s3", stack.s3_endpoint))

        def opened(device: str) -> None:
            console.print(f"\n{device} opened the page. The link for another device:\n{site.link}", highlight=False)

        site = LanSite(origin, PageRoutes(api, OwnSite(origin)).routes(), opened)
        with ServerThread(site, listener, certificate):
            console.print(f"\n[bold]On a phone in this network[/]: {site.link}\n", highlight=False, soft_wrap=True)
            for line in qr_lines(site.link):
                console.print(line, style="#000000 on #ffffff", highlight=False, no_wrap=True)
            console.print(
                "[yellow]The page is open to this network for whoever has the link.[/] The link opens it on one "
                "device. Pictures travel encrypted. The browser warns of the certificate, since it was made just "
                f"now on this machine; its SHA-256 fingerprint is\n{fingerprint}",
                highlight=False,
                soft_wrap=True,
                emoji=False,  # ":AB:" of a fingerprint is one
            )
            yield


def qr_lines(text: str) -> list[str]:
    """A QR code in lines of block characters, dark on light, with the border that readers need."""
    code = cv2.QRCodeEncoder.create().encode(text)
    dark = np.pad(code == 0, ((_BORDER, _BORDER + code.shape[0] % 2), (_BORDER, _BORDER)))
    return [
        "".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(*rows, strict=True))
        for rows in zip(dark[::2], dark[1::2], strict=True)
    ]


def _listening(address: str) -> socket.socket:
    try:
        return listening(address, PORT)
    except OSError:  # taken: any other is as good, for the link names it
        return listening(address, 0)

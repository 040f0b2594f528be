"""The fixtures. `kms` is one client over one scheme; a test that asks for it runs once for each of them."""

import os
import uuid

import pytest

from harness import ims as ims_clients
from harness import ram as ram_clients
from harness.kms import EVERY_CLIENT, EVERY_VARIANT, client
from harness.server import Server
from harness.signing import Signed

for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)


@pytest.fixture(scope="session")
def server():
    """The server that most tests share. A test leaves it able to serve the next. It has a managed data key, `app`."""
    with Server() as running:
        running.stop()
        running.make_data_key("app")
        running.start()
        yield running


@pytest.fixture
def own_server():
    """A server for a test that stops or kills it."""
    with Server() as running:
        yield running


@pytest.fixture(params=EVERY_CLIENT)
def kms(request, server):
    return client(server, request.param)


@pytest.fixture(params=EVERY_VARIANT)
def any_kms(request, server):
    """As `kms`, in each way that the SDKs can sign and send."""
    return client(server, request.param)


@pytest.fixture(params=ram_clients.EVERY_CLIENT)
def ram(request, server):
    """A client of RAM over each scheme."""
    return ram_clients.client(server, request.param)


@pytest.fixture(params=ram_clients.EVERY_VARIANT)
def any_ram(request, server):
    """As `ram`, in each way that the SDK can sign and send."""
    return ram_clients.client(server, request.param)


@pytest.fixture(params=ims_clients.EVERY_CLIENT)
def ims(request, server):
    """A client of IMS over each scheme."""
    return ims_clients.client(server, request.param)


@pytest.fixture(params=ims_clients.EVERY_VARIANT)
def any_ims(request, server):
    """As `ims`, in each way that the SDK can sign and send."""
    return ims_clients.client(server, request.param)


@pytest.fixture
def signed(server):
    """Requests signed by hand over plain http."""
    return Signed(server)


@pytest.fixture
def fresh():
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:20]}"

"""Clients of RAM by name."""

from .api import Api
from .py_new import PyRam, PyRamAsync

# This SDK cannot sign with V4: it does not bring the gateway client that does.
CLIENTS = {
    "py-ram": (PyRam, {}),
    "py-ram-v1": (PyRam, {"signature_algorithm": "v2"}),
    "py-ram-async": (PyRamAsync, {}),
}
EVERY_CLIENT = ["py-ram/http", "py-ram/https"]
EVERY_VARIANT = EVERY_CLIENT + ["py-ram-v1/http", "py-ram-async/https"]


def client(server, name, **credentials):
    """The client called `name`, for example py-ram/https."""
    variant, scheme = name.split("/")
    driver, options = CLIENTS[variant]
    return Api(driver(server, scheme, **options, **credentials), name)

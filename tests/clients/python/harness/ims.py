"""Clients of IMS by name."""

from .api import Api
from .py_new import PyIms, PyImsAsync

# The client of IMS cannot sign with V4: it lacks the part of the SDK that does.
CLIENTS = {
    "py-ims": (PyIms, {}),
    "py-ims-v1": (PyIms, {"signature_algorithm": "v2"}),
    "py-ims-async": (PyImsAsync, {}),
}
EVERY_CLIENT = ["py-ims/http", "py-ims/https"]
EVERY_VARIANT = EVERY_CLIENT + ["py-ims-v1/http", "py-ims-async/https"]


def client(server, name):
    """The client called `name`, for example py-ims/https."""
    variant, scheme = name.split("/")
    driver, options = CLIENTS[variant]
    return Api(driver(server, scheme, **options), name)

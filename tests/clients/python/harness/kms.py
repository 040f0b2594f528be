"""The clients by name, and the short cuts that the tests share."""

import base64
import json

from .api import Api
from .py_legacy import PyLegacy
from .py_new import PyNew, PyNewAsync

NO_SUCH_KEY = "00000000-0000-4000-8000-000000000000"
CLIENTS = {
    "py-new": (PyNew, {}),
    "py-new-v1": (PyNew, {"signature_algorithm": "v2"}),
    "py-new-sm3": (PyNew, {"signature_algorithm": "ACS3-HMAC-SM3"}),
    "py-new-v4": (PyNew, {"signature_version": "v4"}),
    "py-new-async": (PyNewAsync, {}),
    "py-legacy": (PyLegacy, {}),
    "py-legacy-get": (PyLegacy, {"method": "GET"}),
}
# Both SDKs over both schemes; the variants differ in signing or framing, not in transport.
EVERY_CLIENT = ["py-new/http", "py-new/https", "py-legacy/http", "py-legacy/https"]
EVERY_VARIANT = EVERY_CLIENT + ["py-new-v1/http", "py-new-sm3/http", "py-new-v4/http", "py-new-async/http",
                                "py-new-async/https", "py-legacy-get/http"]


class Kms(Api):
    """A client with the short cuts that the tests share."""

    def __init__(self, driver, name):
        super().__init__(driver, name, is_legacy=isinstance(driver, PyLegacy))

    def key(self, **parameters):
        """Creates a key and gives its id."""
        return self("CreateKey", **parameters)["KeyMetadata"]["KeyId"]

    def describe(self, key_id):
        return self("DescribeKey", KeyId=key_id)["KeyMetadata"]

    def state(self, key_id):
        return self.describe(key_id)["KeyState"]

    def encrypt(self, key_id, plaintext, **parameters):
        return self("Encrypt", KeyId=key_id, Plaintext=plaintext, **parameters)["CiphertextBlob"]

    def decrypt(self, blob, **parameters):
        return self("Decrypt", CiphertextBlob=blob, **parameters)["Plaintext"]

    def disabled_key(self):
        key_id = self.key()
        self("DisableKey", KeyId=key_id)
        return key_id

    def doomed_key(self):
        key_id = self.key()
        self("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
        return key_id

    def tags(self, key_id):
        """The tags of a key as pairs."""
        rows = self("ListResourceTags", KeyId=key_id)["Tags"]["Tag"]
        assert {row["KeyId"] for row in rows} <= {key_id}
        return {row["TagKey"]: row["TagValue"] for row in rows}


def client(server, name):
    """The client called `name`, for example py-new/https."""
    variant, scheme = name.split("/")
    driver, options = CLIENTS[variant]
    return Kms(driver(server, scheme, **options), name)


def tags_json(**pairs):
    """The Tags parameter of CreateKey and TagResource."""
    return json.dumps([{"TagKey": key, "TagValue": value} for key, value in pairs.items()])


def tag_list(**pairs):
    """The Tag parameter of TagResources and ListTagResources."""
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def text64(text):
    return base64.b64encode(text.encode()).decode()

"""What one client closed, any other opens."""

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.kms import client, text64

NODE = Path(__file__).resolve().parents[1] / "node"
PYTHON_CLIENTS = ["py-new/https", "py-new-v1/http", "py-legacy/http"]
NODE_CLIENTS = ["node-kms", "pop-core"]


class Node:
    """A Node client, driven through one process per call."""

    def __init__(self, server, name):
        self._environment = {
            **os.environ,
            "SESAME_ENDPOINT": server.http,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": server.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": server.access_key_secret,
        }
        self._name = name

    def __call__(self, operation, **parameters):
        done = subprocess.run(
            ["node", NODE / "call.js", self._name, operation, json.dumps(parameters)],
            env=self._environment, capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def modules_installed():
    probe = "require('@alicloud/pop-core'); require('@alicloud/kms20160120')"
    return shutil.which("node") and subprocess.run(
        ["node", "-e", probe], cwd=NODE, capture_output=True, timeout=60,
    ).returncode == 0


@pytest.fixture(scope="module")
def node_is_there():
    if not modules_installed():
        if os.environ.get("CI"):
            pytest.fail("the Node clients are not installed")
        pytest.skip("the Node clients are not installed")


def get(server, name):
    return Node(server, name) if name in NODE_CLIENTS else client(server, name)


@pytest.mark.parametrize("closer, opener", itertools.permutations(PYTHON_CLIENTS + NODE_CLIENTS, 2))
def test_a_blob_of_one_client_is_opened_by_another(server, node_is_there, closer, opener):
    key = client(server, "py-new/http").key()
    context = {"app": "pay & go", "环境": "a=b"}
    blob = get(server, closer)("Encrypt", KeyId=key, Plaintext=text64("over to you"), EncryptionContext=context)["CiphertextBlob"]
    opened = get(server, opener)("Decrypt", CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == text64("over to you")

"""A user of the Python SDK, from the first key to the right error, across a restart and a crash."""

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config

from harness.kms import NO_SUCH_KEY
from harness.server import REGION


def connect(server, scheme, secret=None):
    return Client(Config(
        access_key_id=server.access_key_id,
        access_key_secret=secret or server.access_key_secret,
        endpoint=server.authority(scheme),
        protocol=scheme,
        region_id=REGION,
        ca=server.ca if scheme == "https" else None,
    ))


def code_of(call):
    with pytest.raises(ClientException) as caught:
        call()
    return caught.value.status_code, caught.value.code


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("end", ["stop", "kill"], ids=["SIGTERM", "kill -9"])
def test_keys_tags_and_ciphertexts_outlive_the_server(own_server, scheme, end):
    kms = connect(own_server, scheme)
    key = kms.create_key(models.CreateKeyRequest(description="orders")).body.key_metadata.key_id
    kms.tag_resources(models.TagResourcesRequest(
        region_id=REGION, resource_type="key", resource_id=[key],
        tag=[models.TagResourcesRequestTag(key="team", value="orders"), models.TagResourcesRequestTag(key="env", value="prod")],
    ))
    kms.create_alias(models.CreateAliasRequest(alias_name="alias/orders", key_id=key))
    blob = kms.encrypt(models.EncryptRequest(
        key_id="alias/orders", plaintext="cGF5IG1l", encryption_context={"order": "42"},
    )).body.ciphertext_blob
    off = kms.create_key(models.CreateKeyRequest()).body.key_metadata.key_id
    kms.disable_key(models.DisableKeyRequest(key_id=off))
    credentials = (own_server.access_key_id, own_server.access_key_secret)

    ended = getattr(own_server, end)()
    if end == "stop":
        assert ended == 0
    own_server.start()

    assert (own_server.access_key_id, own_server.access_key_secret) == credentials
    kms = connect(own_server, scheme)
    opened = kms.decrypt(models.DecryptRequest(ciphertext_blob=blob, encryption_context={"order": "42"})).body
    assert (opened.plaintext, opened.key_id) == ("cGF5IG1l", key)
    assert kms.describe_key(models.DescribeKeyRequest(key_id="alias/orders")).body.key_metadata.description == "orders"

    kms.untag_resources(models.UntagResourcesRequest(
        region_id=REGION, resource_type="key", resource_id=[key], tag_key=["env"],
    ))
    left = kms.list_tag_resources(models.ListTagResourcesRequest(
        region_id=REGION, resource_type="key", resource_id=[key],
    )).body.tag_resources.tag_resource
    assert [(row.tag_key, row.tag_value) for row in left] == [("team", "orders")]

    impostor = connect(own_server, scheme, secret="not-the-secret")
    assert code_of(lambda: impostor.describe_regions()) == (400, "SignatureDoesNotMatch")
    assert code_of(lambda: kms.describe_key(models.DescribeKeyRequest(key_id=NO_SUCH_KEY))) == (404, "Forbidden.KeyNotFound")
    assert code_of(lambda: kms.untag_resources(models.UntagResourcesRequest(
        region_id=REGION, resource_type="key", resource_id=[key], tag_key=["acs:team"],
    ))) == (400, "InvalidParameter.TagKey")
    assert code_of(lambda: kms.encrypt(models.EncryptRequest(key_id=off, plaintext="aGk="))) == (409, "Rejected.Disabled")


def test_the_first_access_key_can_be_chosen_in_the_environment():
    from harness.server import Server

    with Server(SESAME_ROOT_ACCESS_KEY_ID="LTAIchosen0000000000", SESAME_ROOT_ACCESS_KEY_SECRET="chosen-secret-0123456789abcdef") as server:
        assert server.access_key_id == "LTAIchosen0000000000"
        assert server.access_key_secret == "chosen-secret-0123456789abcdef"
        assert connect(server, "http").describe_regions().status_code == 200


def test_what_must_be_private_is_private(server):
    for name in ("credentials.env",):
        assert (server.data / name).stat().st_mode & 0o777 == 0o600
    assert server.endpoint in (server.http, server.https)


def test_a_second_server_on_the_same_folder_says_why_it_does_not_start(server):
    import os
    import subprocess

    from harness.server import binary

    environment = {**os.environ, "SESAME_HTTP": "127.0.0.1:0", "SESAME_HTTPS": "127.0.0.1:0"}
    second = subprocess.run([binary(), "serve", "--data", server.data], env=environment, capture_output=True, text=True, timeout=20)
    assert second.returncode != 0
    assert str(server.data) in second.stderr or "already" in second.stderr.lower()

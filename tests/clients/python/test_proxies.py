"""Clients behind a proxy that the server was told of: what policies and the audit trail take for the client."""

import json

import pytest
from alibabacloud_actiontrail20200706 import models as trail_models
from alibabacloud_actiontrail20200706.client import Client as Trail
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from harness.identities import Ram
from harness.server import REGION, Server

OFFICE = "198.51.100.7"


@pytest.fixture(scope="module")
def behind():
    with Server(SESAME_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as running:
        yield running


def connected(client, server, key=None):
    access_key_id, access_key_secret = key or (server.access_key_id, server.access_key_secret)
    return client(Config(
        access_key_id=access_key_id, access_key_secret=access_key_secret, endpoint=server.authority("http"),
        protocol="HTTP", region_id=REGION,
    ))


def asked_for(client, scheme="https"):
    """As if a proxy passed the call on."""
    headers = {"X-Forwarded-For": client, "X-Forwarded-Proto": scheme}
    return RuntimeOptions(extends_parameters=ExtendsParameters(headers=headers))


def test_the_trail_records_the_client(behind):
    root = connected(Client, behind)
    made = root.create_key_with_options(models.CreateKeyRequest(), asked_for(f"1.1.1.1, {OFFICE}, 10.1.2.3"))
    key = made.body.key_metadata.key_id
    root.disable_key(models.DisableKeyRequest(key_id=key))
    attribute = [trail_models.LookupEventsRequestLookupAttribute(key="ResourceName", value=key)]
    trail = connected(Trail, behind)
    events = trail.lookup_events(trail_models.LookupEventsRequest(lookup_attribute=attribute)).body.events
    seen = [(event["eventName"], event["sourceIpAddress"]) for event in events]
    assert seen == [("DisableKey", "127.0.0.1"), ("CreateKey", OFFICE)]


def test_policies_are_about_the_client_and_its_connection(behind):
    ram = Ram(behind)
    access_key = ram.user("app")
    statement = {
        "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*",
        "Condition": {"IpAddress": {"acs:SourceIp": f"{OFFICE}/32"}, "Bool": {"acs:SecureTransport": "true"}},
    }
    ram("CreatePolicy", PolicyName="office", PolicyDocument=json.dumps({"Version": "1", "Statement": [statement]}))
    ram("AttachPolicyToUser", PolicyType="Custom", PolicyName="office", UserName="app")
    app = connected(Client, behind, access_key)
    assert app.list_keys_with_options(models.ListKeysRequest(), asked_for(OFFICE)).status_code == 200
    for runtime in [
        asked_for("203.0.113.9"), asked_for(f"{OFFICE}, 203.0.113.9"), asked_for(OFFICE, "http"), RuntimeOptions(),
    ]:
        with pytest.raises(ClientException) as refused:
            app.list_keys_with_options(models.ListKeysRequest(), runtime)
        assert refused.value.code == "Forbidden.NoPermission"


def test_a_server_that_was_told_of_no_proxy_believes_nobody(server):
    root = connected(Client, server)
    key = root.create_key_with_options(models.CreateKeyRequest(), asked_for(OFFICE)).body.key_metadata.key_id
    attribute = [trail_models.LookupEventsRequestLookupAttribute(key="ResourceName", value=key)]
    trail = connected(Trail, server)
    [event] = trail.lookup_events(trail_models.LookupEventsRequest(lookup_attribute=attribute)).body.events
    assert event["sourceIpAddress"] == "127.0.0.1"

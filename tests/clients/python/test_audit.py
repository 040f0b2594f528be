"""The audit trail through ActionTrail's official client, and what other clients leave in it."""

import uuid

import pytest
from alibabacloud_actiontrail20200706 import models
from alibabacloud_actiontrail20200706.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config

from harness.server import REGION


@pytest.fixture(params=["http", "https"])
def trail(request, server):
    """LookupEvents, as a function."""
    scheme = request.param
    client = Client(Config(
        access_key_id=server.access_key_id,
        access_key_secret=server.access_key_secret,
        endpoint=server.authority(scheme),
        protocol=scheme.upper(),
        region_id=REGION,
        ca=server.ca if scheme == "https" else None,
    ))

    def lookup(key=None, value=None, **more):
        attributes = [models.LookupEventsRequestLookupAttribute(key=key, value=value)] if key else None
        answer = client.lookup_events(models.LookupEventsRequest(lookup_attribute=attributes, **more))
        assert answer.status_code == 200 and answer.body.request_id and answer.body.start_time < answer.body.end_time
        return answer.body

    return lookup


def test_calls_of_each_client_are_events(kms, trail):
    key = kms.key()
    kms("DisableKey", KeyId=key)
    kms("EnableKey", KeyId=key)
    events = trail("ResourceName", key).events
    assert [event["eventName"] for event in events] == ["EnableKey", "DisableKey", "CreateKey"]
    disabled = events[1]
    assert disabled["requestParameters"]["KeyId"] == key
    assert disabled["eventAttributes"] == {"SensitiveAction": "true"}
    assert (disabled["serviceName"], disabled["eventRW"], disabled["eventType"]) == ("Kms", "Write", "ApiCall")
    assert disabled["userAgent"] and disabled["sourceIpAddress"] == "127.0.0.1"
    assert disabled["userIdentity"]["type"] == "root-account"
    assert [event["eventId"] for event in trail("EventId", disabled["eventId"]).events] == [disabled["eventId"]]


def test_pages_follow_each_other(kms, trail):
    key = kms.key()
    for number in range(5):
        kms("UpdateKeyDescription", KeyId=key, Description=f"d{number}")
    seen, token = [], None
    while True:
        page = trail("ResourceName", key, direction="FORWARD", max_results="2", next_token=token)
        seen += [event["requestParameters"].get("Description") for event in page.events]
        token = page.next_token
        if not token:
            break
    assert seen == [None, "d0", "d1", "d2", "d3", "d4"]


def test_refusals_are_events_and_secrets_are_not_in_them(kms, trail):
    missing = f"key-hzz{uuid.uuid4().hex[:18]}"
    kms.refuses("Forbidden.KeyNotFound", 404, "DescribeKey", KeyId=missing)
    event = trail("ResourceName", missing).events[0]
    assert event["errorCode"] == "Forbidden.KeyNotFound" and event["errorMessage"]
    canary = f"canary {uuid.uuid4()}"
    kms("CreateSecret", SecretName=f"t-{uuid.uuid4().hex[:20]}", VersionId="v1", SecretData=canary)
    events = trail(max_results="5").events
    assert events[0]["requestParameters"]["SecretData"] == "***"
    assert canary not in str(events)


def test_a_wrong_query_is_refused_as_the_original_does(trail):
    for wrong, code in [
        ({"start_time": "yesterday"}, "InvalidParameterStartTime"),
        ({"end_time": "tomorrow"}, "InvalidParameterEndTime"),
        ({"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}, "InvalidParameterCombination"),
        ({"key": "Weather", "value": "fair"}, "InvalidQueryParameter"),
    ]:
        with pytest.raises(ClientException) as refused:
            trail(**wrong)
        assert (refused.value.code, refused.value.status_code) == (code, 400)

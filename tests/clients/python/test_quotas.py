"""Quotas of calls and the brake on failed authentications, as the SDKs see them: what they raise, and how they go on."""

import time

import pytest
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.exceptions import ThrottlingException
from alibabacloud_tea_openapi.utils_models import Config
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.retry.backoff_strategy import FixedDelayStrategy
from aliyunsdkcore.retry.retry_condition import AndRetryCondition, MaxRetryTimesCondition, RetryOnHttpStatusCondition
from aliyunsdkcore.retry.retry_policy import RetryPolicy
from darabonba.policy.retry import RetryCondition as Condition
from darabonba.policy.retry import RetryOptions

from harness.errors import ApiError
from harness.kms import client
from harness.py_legacy import PyLegacy
from harness.py_new import PyNew
from harness.server import REGION, Server

MESSAGE = "QPS Limit Exceeded"


@pytest.fixture(scope="module")
def metered():
    """A server where an account may do one such thing in two seconds, and an address may fail three times."""
    with Server(
        SESAME_QUOTAS_GROUPS="activation=30/min,key_tags=off",
        SESAME_LIMITS_FAILURES_PER_ACCESS_KEY="3/h",
    ) as running:
        drain(running)
        yield running


def py_new(server, **options):
    return Client(Config(
        access_key_id=server.access_key_id, access_key_secret=server.access_key_secret,
        endpoint=server.authority("http"), protocol="HTTP", region_id=REGION, **options,
    ))


def drain(server):
    """Uses the quota up: the next call finds no token for up to two seconds."""
    kms = py_new(server)
    for _ in range(40):
        try:
            kms.describe_account_kms_status()
        except ThrottlingException as throttled:
            return throttled
    raise AssertionError("40 calls were admitted where 30 may be")


def test_py_new_is_told_when_to_try_again(metered):
    throttled = drain(metered)
    assert (throttled.code, throttled.status_code) == ("Rejected.Throttling", 429)
    assert MESSAGE in throttled.message
    assert throttled.data["Message"] == MESSAGE
    assert 0 < throttled.retry_after <= 2000
    # What it is told is long enough.
    time.sleep(throttled.retry_after / 1000 + 0.01)
    py_new(metered).describe_account_kms_status()


@pytest.mark.parametrize("condition", [
    {"exception": ["ThrottlingException"]}, {"errorCode": ["Rejected.Throttling"]},
])
def test_the_retry_policy_of_py_new_waits_as_long_as_it_is_told(metered, condition):
    kms = py_new(metered, retry_options=RetryOptions(
        {"retryable": True, "retryCondition": [Condition({"maxAttempts": 3, **condition})]},
    ))
    throttled = drain(metered)
    began = time.monotonic()
    kms.describe_account_kms_status()
    waited = (time.monotonic() - began) * 1000
    assert throttled.retry_after - 100 <= waited <= throttled.retry_after + 1000


def test_py_legacy_sees_a_server_exception(metered):
    drain(metered)
    with pytest.raises(ApiError) as caught:
        PyLegacy(metered, "http").call("DescribeAccountKmsStatus")
    refused = caught.value
    assert (refused.code, refused.status, refused.kind) == ("Rejected.Throttling", 429, ServerException.__name__)
    assert refused.message == MESSAGE


def test_a_retry_policy_of_py_legacy_gets_through(metered):
    kms = PyLegacy(metered, "http")
    on_429 = AndRetryCondition([MaxRetryTimesCondition(30), RetryOnHttpStatusCondition([429])])
    kms.client._retry_policy = RetryPolicy(on_429, FixedDelayStrategy(100))
    drain(metered)
    assert kms.call("DescribeAccountKmsStatus")["AccountStatus"] == "Enabled"


def test_other_groups_and_groups_that_are_off_go_on(metered):
    kms = client(metered, "py-new/http")
    drain(metered)
    key_id = kms.key()
    for _ in range(40):
        kms.tags(key_id)
        kms("DescribeRegions")


def test_who_fails_too_often_is_told_to_wait(metered):
    stranger = PyNew(metered, "http", access_key_id="LTAI0000000000000000")
    for _ in range(3):
        with pytest.raises(ApiError) as caught:
            stranger.call("DescribeRegions")
        assert caught.value.code == "InvalidAccessKeyId.NotFound"
    with pytest.raises(ThrottlingException) as caught:
        stranger.client.describe_regions()
    assert (caught.value.code, caught.value.status_code) == ("Rejected.Throttling", 429)
    assert "failed authentication" in caught.value.message
    assert 1_000_000 < caught.value.retry_after <= 1_200_000
    # The right key from the same address goes on.
    assert py_new(metered).describe_regions().body.regions.region


def test_nothing_is_limited_by_default(server):
    kms = py_new(server)
    for _ in range(60):
        kms.describe_account_kms_status()

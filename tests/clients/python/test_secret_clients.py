"""The Secrets Manager clients for Python, which applications read secrets with: they fetch, keep, refresh, see a new
version, wait when they are throttled, and go on with what they have when the server is gone."""

import json
import os
import subprocess
import sys
import time
import urllib.parse

import pytest

from harness.caches import EVERY_CACHE, V1, V2
from harness.kms import client
from harness.proxy import FaultProxy
from harness.server import REGION

FIRST_WAIT = 2.0  # seconds; the clients' own


@pytest.fixture
def proxy(server, tmp_path):
    with FaultProxy(server, tmp_path) as running:
        yield running


@pytest.fixture
def kms(server):
    return client(server, "py-new/http")


@pytest.fixture(params=EVERY_CACHE, ids=lambda kind: kind.__name__.lower())
def kind(request):
    return request.param


@pytest.fixture
def connect(kind):
    """Builds clients and closes them."""
    built = []

    def build(server, proxy, retries=None, prepare=lambda builder: builder):
        built.append(prepare(kind.client(server, proxy, retries)).build())
        return built[-1]

    yield build
    for cache in built:
        cache.close()


def create(kms, name, value="one", **parameters):
    kms("CreateSecret", SecretName=name, VersionId="v1", SecretData=value, **parameters)
    return name


def put(kms, name, version, value):
    kms("PutSecretValue", SecretName=name, VersionId=version, SecretData=value)


def test_a_secret_is_fetched_once_and_kept(kms, server, proxy, kind, connect, fresh):
    name = create(kms, f"{fresh}/app", "密 value")
    cache = connect(server, proxy)
    with proxy.counted() as calls:
        assert [cache.get_secret_value(name) for _ in range(3)] == ["密 value"] * 3
        info = cache.get_secret_info(name)
    assert (info.secret_name, info.version_id, info.secret_data_type, info.secret_type) == (name, "v1", "text", "Generic")
    assert info.create_time == kms("DescribeSecret", SecretName=name)["CreateTime"]
    ((method, path, headers, body),) = calls
    assert (method, body) == ("POST", b"") and kind.user_agent in headers["user-agent"]
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))
    assert (asked["SecretName"], asked["VersionStage"], asked["FetchExtendedConfig"]) == (name, "ACSCurrent", "True")
    assert (asked.get("SignatureVersion") == "1.0") == (kind is V1)


PROGRAM = """
import sys
from {package}.secret_manager_cache_client_builder import SecretManagerCacheClientBuilder
print(SecretManagerCacheClientBuilder.new_client().get_secret_value(sys.argv[1]))
"""


def test_a_client_is_configured_by_its_environment(kms, server, kind, fresh):
    """As README.md says."""
    create(kms, fresh, "密 value")
    region = [{"regionId": REGION, "endpoint": server.authority("https")}]
    environment = {
        "credentials_type": "ak", "credentials_access_key_id": server.access_key_id,
        "credentials_access_secret": server.access_key_secret, "cache_client_region_id": json.dumps(region),
        "SSL_CERT_FILE": server.ca, "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", "HOME": str(server.folder),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(package=kind.package), fresh],
        env=environment, cwd=server.folder, capture_output=True, encoding="utf-8", timeout=60,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "密 value"), done.stderr


def test_a_binary_value_is_no_text(kms, server, proxy, connect, fresh):
    name = create(kms, fresh, "AAEC", SecretDataType="binary")
    cache = connect(server, proxy)
    # `get_binary_value` gives nothing to anybody: it wraps bytes in a class that takes bytearrays only.
    info = cache.get_secret_info(name)
    assert (info.secret_value, info.secret_data_type) == ("AAEC", "binary")
    with pytest.raises(ValueError):
        cache.get_secret_value(name)
    text = create(kms, f"{fresh}/text")
    with pytest.raises(ValueError):
        cache.get_binary_value(text)


def test_a_managed_secret_comes_with_its_configuration(kms, server, proxy, connect, fresh):
    config = {"SecretSubType": "SingleUser", "DBInstanceId": "rm-not-configured", "CustomData": {"Port": "3306"}}
    account = {"AccountName": "app", "AccountPassword": "p"}
    create(kms, fresh, json.dumps({"Accounts": [account]}), SecretType="Rds", ExtendedConfig=config,
           EnableAutomaticRotation=True, RotationInterval="7d")
    info = connect(server, proxy).get_secret_info(fresh)
    assert (json.loads(info.secret_value), json.loads(info.extended_config)) == (account, config)
    assert (info.secret_type, info.automatic_rotation, info.rotation_interval) == ("Rds", "Enabled", "604800s")
    assert time.strptime(info.next_rotation_date, "%Y-%m-%dT%H:%M:%SZ")


def test_a_new_version_is_seen_when_it_is_asked_for(kms, server, proxy, connect, fresh):
    create(kms, fresh)
    current = connect(server, proxy)
    previous = connect(server, proxy, prepare=lambda builder: builder.with_cache_stage("ACSPrevious"))
    assert current.get_secret_value(fresh) == "one"
    put(kms, fresh, "v2", "two")
    assert current.get_secret_value(fresh) == "one"
    assert current.refresh_now(fresh)
    assert (current.get_secret_value(fresh), current.get_secret_info(fresh).version_id) == ("two", "v2")
    assert previous.get_secret_value(fresh) == "one"


def test_a_new_version_is_seen_in_the_background(kms, server, proxy, connect, fresh):
    """The value itself says for how long it is good, in milliseconds."""
    create(kms, fresh, '{"ttl":1000,"n":1}')
    cache = connect(server, proxy)
    assert json.loads(cache.get_secret_value(fresh))["n"] == 1
    put(kms, fresh, "v2", '{"ttl":3600000,"n":2}')
    stored = cache.cache_secret_store_strategy
    assert server.until(lambda: stored.get_cache_secret_info(fresh).secret_info.version_id == "v2")
    with proxy.counted() as calls:
        assert json.loads(cache.get_secret_value(fresh))["n"] == 2
    assert calls == []


def test_a_secret_that_is_not_there_is_an_error_at_once(server, proxy, kind, connect, fresh):
    cache = connect(server, proxy)
    with proxy.counted() as calls, pytest.raises(kind.refused) as caught:
        cache.get_secret_value(fresh)
    assert (kind.code(caught.value), len(calls)) == ("Forbidden.ResourceNotFound", 1)


@pytest.mark.parametrize("fault", [
    (429, "Rejected.Throttling", "QPS Limit Exceeded"),
    (503, "ServiceUnavailableTemporary", "Service Unavailable Temporary"),
    (500, "InternalFailure", "Internal Failure"),
], ids=lambda fault: fault[1])
def test_a_client_that_is_throttled_waits_and_tries_again(kms, server, proxy, kind, connect, fresh, fault):
    create(kms, fresh)
    cache = connect(server, proxy)
    proxy.answer(*fault)
    began = time.monotonic()
    with proxy.counted() as calls:
        if kind is V1:
            # It does not take an answer of the server for one of its own errors, on which alone it waits.
            with pytest.raises(V1.refused) as caught:
                cache.get_secret_value(fresh)
            assert (V1.code(caught.value), caught.value.get_http_status()) == (fault[1], fault[0])
        else:
            assert cache.get_secret_value(fresh) == "one"
            assert time.monotonic() - began >= FIRST_WAIT
    assert len(calls) == (1 if kind is V1 else 2)
    assert cache.get_secret_value(fresh) == "one"


def test_a_client_that_stays_throttled_gives_up(kms, server, proxy, fresh):
    create(kms, fresh)
    cache = V2.client(server, proxy, retries=5).build()
    proxy.throttle(times=100)
    with proxy.counted() as calls, pytest.raises(V2.refused) as caught:
        cache.get_secret_value(fresh)
    assert (V2.code(caught.value), len(calls)) == ("TimesLimitExceeded", 7)
    cache.close()


def test_a_client_that_is_throttled_keeps_its_value(kms, server, proxy, connect, fresh):
    create(kms, fresh)
    cache = connect(server, proxy, retries=1)
    assert cache.get_secret_value(fresh) == "one"
    put(kms, fresh, "v2", "two")
    proxy.throttle(times=3)
    assert not cache.refresh_now(fresh)
    assert cache.get_secret_value(fresh) == "one"
    assert server.until(lambda: cache.refresh_now(fresh))
    assert cache.get_secret_value(fresh) == "two"


def test_a_client_goes_on_with_its_values_when_the_server_is_gone(own_server, tmp_path, kind, connect):
    with FaultProxy(own_server, tmp_path) as proxy:
        kms = client(own_server, "py-new/http")
        create(kms, "kept")
        create(kms, "never-read")
        cache = connect(own_server, proxy, retries=0)
        assert cache.get_secret_value("kept") == "one"
        own_server.kill()
        assert cache.get_secret_value("kept") == "one"
        assert not cache.refresh_now("kept")
        assert cache.get_secret_value("kept") == "one"
        with pytest.raises(Exception):
            cache.get_secret_value("never-read")
        own_server.start()
        put(client(own_server, "py-new/http"), "kept", "v2", "two")
        assert cache.get_secret_value("kept") == "one"
        assert cache.refresh_now("kept")
        assert (cache.get_secret_value("kept"), cache.get_secret_value("never-read")) == ("two", "one")

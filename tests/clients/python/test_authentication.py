"""Who may call: what each SDK makes of a wrong secret, an unknown key, and a server that it must not trust."""

import pytest

from harness.errors import ApiError, NotReached
from harness.kms import CLIENTS, EVERY_CLIENT, EVERY_VARIANT, text64
from harness.py_legacy import PyLegacy
from harness.py_new import PyNew, PyNewGeneric
from harness.server import REGION


def refusal(server, name, **credentials):
    variant, scheme = name.split("/")
    driver, options = CLIENTS[variant]
    with pytest.raises(ApiError) as caught:
        driver(server, scheme, **options, **credentials).call("DescribeRegions")
    assert caught.value.request_id
    return caught.value


@pytest.mark.parametrize("name", EVERY_VARIANT)
def test_a_wrong_secret_is_refused(server, name):
    refused = refusal(server, name, access_key_secret="not-the-secret")
    assert refused.status == 400
    if name.startswith("py-legacy"):
        # The SDK finds its own text in the server's message, and so knows that only the secret can be wrong.
        assert refused.code == "InvalidAccessKeySecret"
        assert "AccessKeySecret is incorrect" in refused.message
    elif name.startswith("py-new-v1"):
        assert refused.code == "SignatureDoesNotMatch"
        assert refused.message.startswith("Specified signature is not matched with our calculation. server string to sign is:")
    else:
        assert refused.code == "SignatureDoesNotMatch"
        assert refused.message.startswith("Specified signature does not match our calculation. server StringToSign is [")


@pytest.mark.parametrize("name", EVERY_VARIANT)
def test_an_unknown_access_key_is_refused(server, name):
    refused = refusal(server, name, access_key_id="LTAI0000000000000000")
    assert (refused.code, refused.status) == ("InvalidAccessKeyId.NotFound", 404)


@pytest.mark.parametrize("driver", [PyNew, PyLegacy])
def test_the_servers_certificate_is_verified(server, driver):
    class Elsewhere:
        """The same server by another name: py-new keeps connections by name, those that trust with the others."""

        access_key_id, access_key_secret = server.access_key_id, server.access_key_secret

        @staticmethod
        def authority(scheme):
            return server.authority(scheme).replace("127.0.0.1", "localhost")

    with pytest.raises(NotReached) as caught:
        driver(Elsewhere, "https", trusted=False).call("DescribeRegions")
    assert "certificate" in str(caught.value).lower()
    assert driver(server, "https").call("DescribeRegions")["Regions"]["Region"]


@pytest.mark.parametrize("name", EVERY_CLIENT)
def test_a_client_can_be_used_again_and_again(server, name):
    variant, scheme = name.split("/")
    client = CLIENTS[variant][0](server, scheme)
    for _ in range(20):
        client.call("DescribeRegions")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("form", ["{scheme}://{authority}", "{authority}/"])
def test_py_new_takes_an_endpoint_as_url_or_with_a_slash(server, scheme, form):
    endpoint = form.format(scheme=scheme, authority=server.authority(scheme))
    assert PyNew(server, scheme, endpoint=endpoint).call("DescribeRegions")["Regions"]["Region"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_py_new_calls_without_types_by_either_method(server, method):
    kms = PyNewGeneric(server, "http")
    key = kms.call("CreateKey", method=method, Description="a+b c*~")["KeyMetadata"]
    assert key["Description"] == "a+b c*~"
    rows = kms.call("ListTagResources", method=method, RegionId=REGION, ResourceType="key", ResourceId=[key["KeyId"]])
    assert rows["TagResources"]["TagResource"] == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_py_legacy_common_requests_carry_parameters_in_query_and_form(server, scheme):
    kms = PyLegacy(server, scheme)
    key = kms.common("CreateKey", query={"KeySpec": "Aliyun_SM4"}, body={"Description": "a+b c*~&="})["KeyMetadata"]
    assert (key["KeySpec"], key["Description"]) == ("Aliyun_SM4", "a+b c*~&=")
    blob = kms.common("Encrypt", body={"KeyId": key["KeyId"], "Plaintext": text64("in the form")})["CiphertextBlob"]
    assert kms.common("Decrypt", query={"CiphertextBlob": blob})["Plaintext"] == text64("in the form")


def test_py_legacy_reads_a_json_answer_through_do_action(server):
    """`do_action` sends Format=None; the answer is JSON all the same."""
    import json
    import warnings

    from aliyunsdkkms.request.v20160120.DescribeRegionsRequest import DescribeRegionsRequest

    request = DescribeRegionsRequest()
    request.set_endpoint(server.authority("http"))
    request.set_protocol_type("http")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = PyLegacy(server, "http").client.do_action(request)
    assert json.loads(answer)["Regions"]["Region"] == [{"RegionId": REGION}]

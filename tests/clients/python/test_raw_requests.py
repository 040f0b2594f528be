"""Requests by hand: parsing, parameters, formats and methods that no SDK produces."""

import re
import socket
import uuid

import pytest

from harness.kms import NO_SUCH_KEY
from harness.server import REGION
from harness.signing import FORM, Connection, Reply, query_string

PARSE = "ParseRequestParameterException"


def expect(reply, status, code):
    assert (reply.status, reply.code) == (status, code), reply
    return reply.json


# Where parameters may be ----------------------------------------------------------------------


@pytest.mark.parametrize("how", [
    {"method": "GET"},
    {"method": "POST"},
    {"method": "POST", "form": "all"},
    {"method": "GET", "form": "all"},
], ids=str)
def test_parameters_come_by_query_or_form_with_either_method(signed, how):
    reply = signed.v1("CreateKey", {"Description": "a b*~+/=& 密"}, **how)
    assert reply.status == 200, reply
    assert reply.json["KeyMetadata"]["Description"] == "a b*~+/=& 密"


def test_query_and_form_are_merged_and_signed_together(signed):
    reply = signed.v1("CreateKey", {"KeySpec": "Aliyun_SM4"}, method="POST", form={"Description": "in the form"})
    metadata = reply.json["KeyMetadata"]
    assert (metadata["KeySpec"], metadata["Description"]) == ("Aliyun_SM4", "in the form")


def test_acs3_takes_query_and_form(signed):
    reply = signed.acs3("CreateKey", {"KeySpec": "Aliyun_SM4"}, form={"Description": "in the form"})
    metadata = reply.json["KeyMetadata"]
    assert (metadata["KeySpec"], metadata["Description"]) == ("Aliyun_SM4", "in the form")
    assert signed.acs3("DescribeKey", {"KeyId": metadata["KeyId"]}, method="GET").status == 200


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8", FORM.upper()])
def test_the_form_type_may_name_its_character_set(signed, content_type):
    reply = signed.v1("CreateKey", method="POST", form={"Description": "x"}, headers={"Content-Type": content_type})
    assert reply.json["KeyMetadata"]["Description"] == "x"


def test_a_space_may_be_a_plus_or_percent_20(signed):
    pairs = signed.v1_parameters("CreateKey", {"Description": "a b"})
    pairs.append(("Signature", signed.v1_signature("POST", pairs)))
    wire = query_string(pairs)
    assert "a%20b" in wire
    for text in (wire.replace("a%20b", "a+b"),):
        reply = signed.send("POST", "/", {"Content-Type": FORM}, text.encode())
        assert reply.json["KeyMetadata"]["Description"] == "a b"


def test_hex_digits_may_be_small_and_the_signature_may_be_raw(signed):
    pairs = signed.v1_parameters("CreateKey", {"Description": "/密*"})
    signature = signed.v1_signature("GET", pairs)
    wire = query_string(pairs).replace("%2F%E5%AF%86%2A", "/%e5%af%86*")
    reply = signed.send("GET", f"/?{wire}&Signature={signature.replace('+', '%2b').replace('=', '%3d')}")
    assert reply.json["KeyMetadata"]["Description"] == "/密*"


def test_parameters_that_nobody_knows_are_signed_and_ignored(signed):
    assert signed.v1("DescribeRegions", {"Colour": "red", "": "nameless"}).status == 200
    expect(signed.send("GET", "/?" + query_string(signed.v1_parameters("DescribeRegions")) + "&Colour=red&Signature=AAAA"),
           400, "SignatureDoesNotMatch")


def test_an_optional_parameter_that_is_empty_is_as_good_as_absent(signed):
    reply = signed.v1("CreateKey", {"KeySpec": "", "Origin": "", "Description": "", "Tags": ""})
    assert reply.json["KeyMetadata"]["KeySpec"] == "Aliyun_AES_256"


def test_a_required_parameter_that_is_empty_is_missing(signed):
    expect(signed.v1("DescribeKey", {"KeyId": ""}), 400, "MissingParameter")


def test_parameter_names_know_their_case(signed):
    expect(signed.v1("DescribeKey", {"keyId": NO_SUCH_KEY}), 400, "MissingParameter")


@pytest.mark.parametrize("target", ["/?Action=%zz", "/?Action=%", "/?Action=%4", "/?Action=%ff%fe", "/?%E5=x"])
def test_percent_signs_that_decode_to_nothing_are_refused(signed, target):
    expect(signed.send("GET", target), 400, PARSE)
    expect(signed.send("POST", "/", {"Content-Type": FORM}, target[2:].encode()), 400, PARSE)


def test_a_parameter_given_twice_with_two_values_is_refused(signed):
    pairs = signed.v1_parameters("DescribeKey", {"KeyId": NO_SUCH_KEY}) + [("KeyId", "another")]
    pairs.append(("Signature", signed.v1_signature("GET", pairs)))
    expect(signed.send("GET", "/?" + query_string(pairs)), 400, "InvalidParameter")


def test_a_parameter_in_query_and_form_with_two_values_is_refused(signed):
    expect(signed.v1("DescribeKey", {"KeyId": NO_SUCH_KEY}, method="POST", form={"KeyId": "another"}),
           400, "InvalidParameter")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", None])
def test_a_body_that_is_no_form_is_refused_unless_it_is_empty(signed, content_type):
    headers = {"content_type": content_type}
    assert signed.acs3("DescribeRegions", **headers).status == 200
    reply = signed.acs3("DescribeRegions", body=b'{"KeyId":"x"}', **headers)
    assert reply.status == 400, reply
    assert reply.code


def test_a_form_may_come_in_chunks(signed):
    pairs = signed.v1_parameters("CreateKey", {"Description": "in chunks"})
    pairs.append(("Signature", signed.v1_signature("POST", pairs)))
    body = query_string(pairs).encode()
    reply = signed.send("POST", "/", {"Content-Type": FORM, "Transfer-Encoding": "chunked"},
                        [body[:20], body[20:]])
    assert reply.json["KeyMetadata"]["Description"] == "in chunks"


# Sizes ----------------------------------------------------------------------------------------


def test_a_hundred_kilobytes_of_query_are_read(signed):
    expect(signed.v1("UpdateKeyDescription", {"KeyId": NO_SUCH_KEY, "Description": "密" * 8192}),
           404, "Forbidden.KeyNotFound")


def test_a_body_over_a_megabyte_is_too_large(signed):
    reply = signed.v1("CreateKey", method="POST", form={"Description": "x" * 1_100_000})
    assert (reply.status, reply.code) in [(413, "RequestEntityTooLarge"), (400, "InvalidParameter")], reply


def test_a_target_over_the_limit_is_too_large(signed):
    reply = signed.v1("CreateKey", {"Description": "x" * 300_000})
    assert reply.status in (400, 413, 414), reply


# Action, version, path, method ----------------------------------------------------------------


def test_an_unknown_action_is_not_found(signed):
    body = expect(signed.v1("MakeCoffee"), 404, "InvalidAction.NotFound")
    assert body["Message"] == "Specified api is not found, please check your url and method."
    expect(signed.acs3("MakeCoffee"), 404, "InvalidAction.NotFound")
    expect(signed.v1("describeRegions"), 404, "InvalidAction.NotFound")


def test_another_version_is_invalid(signed):
    body = expect(signed.v1("DescribeRegions", Version="2015-01-20"), 400, "InvalidVersion")
    assert body["Message"] == "Specified parameter Version is not valid."
    expect(signed.acs3("DescribeRegions", x_acs_version="2015-01-20"), 400, "InvalidVersion")


@pytest.mark.parametrize("name", ["Action", "Version"])
def test_action_and_version_must_be_given(signed, name):
    body = expect(signed.v1("DescribeRegions", without=[name]), 400, f"Missing{name}")
    assert body["Message"] == f"{name} is mandatory for this action."


def test_in_acs3_the_header_names_the_action_whatever_the_query_says(signed):
    reply = signed.acs3("DescribeRegions", {"Action": "CreateKey", "Version": "x", "Format": "JSON"})
    assert reply.json["Regions"]["Region"] == [{"RegionId": REGION}]


def test_in_v1_the_parameter_names_the_action_whatever_the_header_says(signed):
    reply = signed.v1("DescribeRegions", headers={"x-acs-action": "createKey", "x-acs-version": "x"})
    assert reply.json["Regions"]["Region"] == [{"RegionId": REGION}]


def test_another_path_is_not_found(signed):
    target = "/somewhere?" + query_string(signed.v1_parameters("DescribeRegions"))
    expect(signed.send("GET", target), 404, "InvalidApi.NotFound")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_another_method_is_not_supported(signed, method):
    body = expect(signed.v1("DescribeRegions", method=method), 403, "UnsupportedHTTPMethod")
    assert body["Message"] == "This http method is not supported."


def test_head_is_not_supported_and_has_no_body(signed):
    reply = signed.v1("DescribeRegions", method="HEAD")
    assert (reply.status, reply.body) == (403, b"")


# Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_a_boolean_may_be_spelled_in_any_case(signed, spelling):
    key = signed.v1("CreateKey").json["KeyMetadata"]["KeyId"]
    reply = signed.v1("SetDeletionProtection", {"KeyId": key, "EnableDeletionProtection": spelling})
    assert reply.status == 200, reply
    protection = signed.v1("DescribeKey", {"KeyId": key}).json["KeyMetadata"]["DeletionProtection"]
    assert protection == ("Enabled" if spelling.lower() == "true" else "Disabled")


@pytest.mark.parametrize("operation, parameters", [
    ("SetDeletionProtection", {"KeyId": NO_SUCH_KEY, "EnableDeletionProtection": "yes"}),
    ("SetDeletionProtection", {"KeyId": NO_SUCH_KEY, "EnableDeletionProtection": "1"}),
    ("ListKeys", {"PageNumber": "one"}),
    ("ListKeys", {"PageNumber": " 1"}),
    ("ListKeys", {"PageSize": "10.0"}),
    ("ListKeys", {"PageSize": "99999999999999999999"}),
    ("ScheduleKeyDeletion", {"KeyId": NO_SUCH_KEY, "PendingWindowInDays": "7d"}),
    ("Encrypt", {"KeyId": NO_SUCH_KEY, "Plaintext": "aGk=", "EncryptionContext": "app=pay"}),
    ("Encrypt", {"KeyId": NO_SUCH_KEY, "Plaintext": "aGk=", "EncryptionContext": '["app"]'}),
    ("Encrypt", {"KeyId": NO_SUCH_KEY, "Plaintext": "aGk=", "EncryptionContext": '{"a":"1","a":"2"}'}),
    ("Encrypt", {"KeyId": NO_SUCH_KEY, "Plaintext": "aGk=", "EncryptionContext": '{"a":null}'}),
    ("Encrypt", {"KeyId": NO_SUCH_KEY, "Plaintext": "aGk=", "EncryptionContext": '{"a":"1"'}),
    ("Encrypt", {"KeyId": "acs:kms:somewhere", "Plaintext": "aGk="}),
], ids=lambda value: "" if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in list(value.items())[-1:]))
def test_a_value_of_the_wrong_kind_is_refused_before_the_key_is_looked_for(signed, operation, parameters):
    body = expect(signed.v1(operation, parameters), 400, "InvalidParameter")
    assert list(parameters)[-1] in body["Message"] or "KeyId" in body["Message"]


def test_a_plus_that_became_a_space_in_base64_is_refused(signed):
    key = signed.v1("CreateKey").json["KeyMetadata"]["KeyId"]
    blobs = (signed.v1("Encrypt", {"KeyId": key, "Plaintext": "aGk="}).json["CiphertextBlob"] for _ in range(1000))
    blob = next(blob for blob in blobs if "+" in blob)
    expect(signed.v1("Decrypt", {"CiphertextBlob": blob.replace("+", " ")}), 400, "InvalidParameter")
    assert signed.v1("Decrypt", {"CiphertextBlob": blob}).json["Plaintext"] == "aGk="


def test_white_space_and_order_in_a_context_do_not_matter(signed):
    key = signed.v1("CreateKey").json["KeyMetadata"]["KeyId"]
    reply = signed.v1("Encrypt", {"KeyId": key, "Plaintext": "aGk=", "EncryptionContext": '{"a":"1","b":"2"}'})
    blob = reply.json["CiphertextBlob"]
    reply = signed.v1("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": ' {\n"b" : "2",\t"a":"1" } '})
    assert reply.json["Plaintext"] == "aGk="


def test_lists_may_be_one_json_text(signed):
    keys = [signed.v1("CreateKey").json["KeyMetadata"]["KeyId"] for _ in range(2)]
    common = {"RegionId": REGION, "ResourceType": "key", "ResourceId": f'["{keys[0]}","{keys[1]}"]'}
    tags = {"Tag": '[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]'}
    assert signed.v1("TagResources", {**common, **tags}).status == 200
    rows = signed.v1("ListTagResources", common).json["TagResources"]["TagResource"]
    assert [(row["TagKey"], row["TagValue"]) for row in rows] == [("a", "1"), ("b", "")] * 2
    assert signed.v1("UntagResources", {**common, "TagKey": '["a","b"]'}).status == 200
    assert signed.v1("ListTagResources", common).json["TagResources"]["TagResource"] == []


def test_untag_resources_takes_numbered_lists_in_the_form(signed):
    key = signed.v1("CreateKey", {"Tags": '[{"TagKey":"a","TagValue":"1"}]'}).json["KeyMetadata"]["KeyId"]
    reply = signed.v1("UntagResources", method="POST", form={
        "RegionId": REGION, "ResourceType": "key", "ResourceId.1": key, "TagKey.1": "a",
    })
    assert reply.status == 200, reply
    assert signed.v1("ListResourceTags", {"KeyId": key}).json["Tags"]["Tag"] == []


def test_secrets_that_are_not_there_cannot_be_untagged(signed):
    expect(signed.v1("UntagResources", {
        "RegionId": REGION, "ResourceType": "secret", "ResourceId.1": "no-such-secret", "TagKey.1": "a",
    }), 404, "InvalidResourceId.NotFound")


def test_deletion_protection_takes_a_key_id_and_may_keep_what_is_set(signed):
    metadata = signed.v1("CreateKey").json["KeyMetadata"]
    key = {"KeyId": metadata["KeyId"]}
    assert signed.v1("SetDeletionProtection", {**key, "EnableDeletionProtection": "true"}).status == 200
    assert signed.v1("SetDeletionProtection", {**key, "DeletionProtectionDescription": "why"}).status == 200
    now = signed.v1("DescribeKey", key).json["KeyMetadata"]
    assert (now["DeletionProtection"], now["DeletionProtectionDescription"]) == ("Enabled", "why")


# Answers --------------------------------------------------------------------------------------


def test_an_answer_has_its_headers(signed):
    reply = signed.v1("DescribeRegions")
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert reply.headers["x-acs-request-id"] == reply.json["RequestId"]
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", reply.json["RequestId"])
    assert "date" in reply.headers


def test_every_answer_has_its_own_request_id(signed):
    assert len({signed.v1("DescribeRegions").json["RequestId"] for _ in range(20)}) == 20


def test_an_error_has_the_members_of_both_published_shapes(signed):
    reply = signed.v1("DescribeKey", {"KeyId": NO_SUCH_KEY})
    body = reply.json
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert body["Code"] == "Forbidden.KeyNotFound"
    assert body["Message"] == "The specified Key is not found."
    assert body["HttpStatus"] == reply.status == 404
    assert body["HostId"] == signed.server.authority("http")
    assert body["RequestId"] == reply.headers["x-acs-request-id"]
    uuid.UUID(body["RequestId"])


def test_a_success_has_no_code(signed):
    for operation in ("DescribeRegions", "CreateKey", "ListKeys", "ListAliases", "DescribeAccountKmsStatus"):
        assert "Code" not in signed.v1(operation).json


@pytest.mark.parametrize("form", ["JSON", "json", "Json", "", "None", "YAML"])
def test_json_is_the_format_unless_xml_is_asked_for(signed, form):
    assert signed.v1("DescribeRegions", Format=form).json["Regions"]["Region"] == [{"RegionId": REGION}]
    assert signed.v1("DescribeRegions", without=["Format"]).json["RequestId"]


@pytest.mark.parametrize("form", ["XML", "xml", "Xml"])
def test_xml_answers_name_the_action_and_repeat_the_items(signed, form):
    reply = signed.v1("DescribeRegions", Format=form)
    assert reply.headers["content-type"] == "text/xml;charset=utf-8"
    assert reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = reply.xml
    assert root.tag == "DescribeRegionsResponse"
    assert [e.text for e in root.findall("Regions/Region/RegionId")] == [REGION]
    assert root.findtext("RequestId") == reply.headers["x-acs-request-id"]


def test_xml_lists_are_containers_of_items(signed):
    key = signed.v1("CreateKey", {"Tags": '[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":""}]'})
    key = key.json["KeyMetadata"]["KeyId"]
    root = signed.v1("ListResourceTags", {"KeyId": key}, Format="XML").xml
    assert root.tag == "ListResourceTagsResponse"
    tags = root.find("Tags")
    assert [child.tag for child in tags] == ["Tag", "Tag"]
    assert [(tag.findtext("TagKey"), tag.findtext("TagValue")) for tag in tags] == [("a", "1"), ("b", "")]
    empty = signed.v1("ListAliasesByKeyId", {"KeyId": key}, Format="XML").xml
    assert empty.find("Aliases") is not None and len(empty.find("Aliases")) == 0
    assert empty.findtext("TotalCount") == "0"


def test_xml_escapes_what_it_must(signed):
    text = "<b> & \"quotes\" 'too' 密"
    reply = signed.v1("CreateKey", {"Description": text}, Format="XML")
    assert reply.xml.findtext("KeyMetadata/Description") == text


def test_xml_errors_have_the_root_error(signed):
    reply = signed.v1("DescribeKey", {"KeyId": NO_SUCH_KEY}, Format="XML")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/xml;charset=utf-8")
    root = reply.xml
    assert root.tag == "Error"
    assert root.findtext("Code") == "Forbidden.KeyNotFound"
    assert root.findtext("Message") == "The specified Key is not found."
    assert root.findtext("RequestId") == reply.headers["x-acs-request-id"]
    assert root.findtext("HostId") == signed.server.authority("http")


def test_acs3_may_ask_for_xml_in_the_query(signed):
    assert signed.acs3("DescribeRegions", {"Format": "XML"}).xml.tag == "DescribeRegionsResponse"


# Connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_outlives_refusals(server, signed, scheme):
    with Connection(server, scheme) as connection:
        for target, status in [("/?Action=%zz", 400), ("/", 400), ("/nowhere", 404)] * 3:
            reply = connection.send("GET", target)
            assert (reply.status, bool(reply.code)) == (status, True)
        pairs = signed.v1_parameters("DescribeRegions")
        pairs.append(("Signature", signed.v1_signature("GET", pairs)))
        assert connection.send("GET", "/?" + query_string(pairs)).status == 200


@pytest.mark.parametrize("garbage", [
    b"\x00\x01\x02\x03\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(500)) + b"\r\n",
], ids=lambda garbage: ascii(garbage[:24]))
def test_what_is_no_request_is_answered_with_an_error(server, garbage):
    host, port = server.authority("http").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert re.match(rb"HTTP/1\.[01] (4\d\d|505) ", answer), answer


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_look_in_without_a_signature(server, signed, path):
    with Connection(server) as connection:
        reply = connection.send("GET", path)
    assert isinstance(reply, Reply) and reply.status == 200

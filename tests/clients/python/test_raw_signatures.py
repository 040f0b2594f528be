"""Signatures by hand: V1, ACS3, ACS4 and what is refused, with the codes and messages of the API."""

import hashlib
import hmac
import secrets

import pytest

from harness.server import REGION
from harness.signing import EMPTY_SHA256, FORM, Signed, query_string, timestamp


def expect(reply, status, *codes):
    assert reply.status == status and reply.code in codes, reply
    return reply.json["Message"]


# V1 -------------------------------------------------------------------------------------------


def test_v1_needs_an_access_key_id(signed):
    message = expect(signed.v1("DescribeRegions", without=["AccessKeyId"]), 400, "MissingAccessKeyId")
    assert message == "AccessKeyId is mandatory for this action."


@pytest.mark.parametrize("name", ["Signature", "SignatureMethod", "SignatureVersion"])
def test_v1_needs_its_signature_parameters(signed, name):
    expect(signed.v1("DescribeRegions", without=[name]), 400, f"Missing{name}", "IncompleteSignature")


def test_v1_takes_hmac_sha1_and_hmac_sha256(signed):
    assert signed.v1("DescribeRegions").status == 200
    assert signed.v1("DescribeRegions", SignatureMethod="HMAC-SHA256", digest="sha256").status == 200


@pytest.mark.parametrize("method", ["HMAC-MD5", "SHA256withRSA", "", "hmac"])
def test_v1_refuses_other_methods(signed, method):
    expect(signed.v1("DescribeRegions", SignatureMethod=method), 400, "InvalidSignatureMethod",
           *(["MissingSignatureMethod", "IncompleteSignature"] if not method else []))


def test_v1_refuses_another_signature_version(signed):
    expect(signed.v1("DescribeRegions", SignatureVersion="2.0"), 400, "InvalidSignatureVersion", "IncompleteSignature")


@pytest.mark.parametrize("method, form", [("GET", None), ("POST", "all"), ("POST", {"KeyId": "in the form"})])
def test_v1_tells_what_it_signed(server, method, form):
    wrong = Signed(server, access_key_secret="not-the-secret")
    texts = []
    make = wrong.v1_string_to_sign
    wrong.v1_string_to_sign = lambda *given: texts.append(make(*given)) or texts[-1]
    message = expect(wrong.v1("DescribeKey", {"Colour": "a b*~:/"}, method=method, form=form),
                     400, "SignatureDoesNotMatch")
    assert message == f"Specified signature is not matched with our calculation. server string to sign is:{texts[-1]}"
    # py-legacy splits the message at colons and compares the second piece.
    assert message.split(":")[1] == texts[-1]


def test_v1_signs_the_method(signed):
    pairs = signed.v1_parameters("DescribeRegions")
    pairs.append(("Signature", signed.v1_signature("POST", pairs)))
    expect(signed.send("GET", "/?" + query_string(pairs)), 400, "SignatureDoesNotMatch")


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64", "é", "=" * 28])
def test_v1_refuses_what_is_no_signature(signed, signature):
    pairs = signed.v1_parameters("DescribeRegions") + [("Signature", signature)]
    expect(signed.send("GET", "/?" + query_string(pairs)), 400, "SignatureDoesNotMatch",
           *(["MissingSignature", "IncompleteSignature"] if not signature else []))


def test_v1_takes_a_signature_that_left_out_empty_values(signed):
    """As the Java helper does: it sends them all the same."""
    pairs = signed.v1_parameters("CreateKey", {"Description": "", "KeySpec": "Aliyun_SM4"})
    signature = signed.v1_signature("POST", [(k, v) for k, v in pairs if v])
    reply = signed.send("POST", "/?" + query_string(pairs + [("Signature", signature)]))
    assert reply.json["KeyMetadata"]["KeySpec"] == "Aliyun_SM4"


def test_an_unknown_access_key_is_not_found(server):
    stranger = Signed(server, access_key_id="nobody")
    expect(stranger.v1("DescribeRegions"), 404, "InvalidAccessKeyId.NotFound")
    expect(stranger.acs3("DescribeRegions"), 404, "InvalidAccessKeyId.NotFound")


def test_an_access_key_id_knows_its_case(server):
    expect(Signed(server, access_key_id=server.access_key_id.swapcase()).v1("DescribeRegions"),
           404, "InvalidAccessKeyId.NotFound")


# Time and nonce -------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_may_be_a_quarter_of_an_hour_off(signed, minutes):
    assert signed.v1("DescribeRegions", Timestamp=timestamp(minutes)).status == 200
    assert signed.acs3("DescribeRegions", x_acs_date=timestamp(minutes)).status == 200


@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24 * 365])
def test_a_clock_that_is_further_off_is_refused(signed, minutes):
    message = "Specified time stamp or date value is expired."
    assert expect(signed.v1("DescribeRegions", Timestamp=timestamp(minutes)), 400, "InvalidTimeStamp.Expired") == message
    assert expect(signed.acs3("DescribeRegions", x_acs_date=timestamp(minutes)), 400, "InvalidTimeStamp.Expired") == message


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00", "2026-01-01T00:00:00+00:00", "1767225600"])
def test_a_time_that_is_none_is_refused(signed, text):
    message = "Specified time stamp or date value is not well formatted."
    assert expect(signed.v1("DescribeRegions", Timestamp=text), 400, "InvalidTimeStamp.Format") == message
    assert expect(signed.acs3("DescribeRegions", x_acs_date=text), 400, "InvalidTimeStamp.Format") == message


def test_a_time_must_be_given(signed):
    message = expect(signed.v1("DescribeRegions", without=["Timestamp"]), 400, "IllegalTimestamp")
    assert message == 'The input parameter "Timestamp" that is mandatory for processing this request is not supplied.'
    expect(signed.acs3("DescribeRegions", x_acs_date=None), 400, "IllegalTimestamp", "IncompleteSignature")


def test_a_nonce_serves_once(signed):
    nonce = secrets.token_hex(16)
    assert signed.v1("DescribeRegions", SignatureNonce=nonce).status == 200
    for again in (signed.v1("DescribeRegions", SignatureNonce=nonce),
                  signed.acs3("DescribeRegions", x_acs_signature_nonce=nonce)):
        assert expect(again, 400, "SignatureNonceUsed") == "Specified signature nonce was used already."


def test_a_replayed_request_is_refused(signed):
    pairs = signed.v1_parameters("CreateKey")
    target = "/?" + query_string(pairs + [("Signature", signed.v1_signature("GET", pairs))])
    assert signed.send("GET", target).status == 200
    expect(signed.send("GET", target), 400, "SignatureNonceUsed")


def test_a_nonce_is_not_spent_by_a_request_with_a_wrong_signature(server, signed):
    nonce = secrets.token_hex(16)
    wrong = Signed(server, access_key_secret="not-the-secret")
    expect(wrong.v1("DescribeRegions", SignatureNonce=nonce), 400, "SignatureDoesNotMatch")
    assert signed.v1("DescribeRegions", SignatureNonce=nonce).status == 200


def test_a_nonce_is_not_needed(signed):
    for _ in range(2):
        assert signed.v1("DescribeRegions", without=["SignatureNonce"]).status == 200
        assert signed.acs3("DescribeRegions", x_acs_signature_nonce=None).status == 200


def test_a_nonce_has_at_most_256_characters(signed):
    unique = secrets.token_hex(16)
    assert signed.v1("DescribeRegions", SignatureNonce=unique + "n" * 224).status == 200
    assert signed.v1("DescribeRegions", SignatureNonce=unique + "n" * 225).status == 400


# ACS3 -----------------------------------------------------------------------------------------


def test_acs3_signs_by_either_method_and_needs_no_host_in_the_list(signed):
    for method in ("GET", "POST"):
        assert signed.acs3("DescribeRegions", method=method).status == 200
        assert signed.acs3("DescribeRegions", method=method, unsigned=["host"]).status == 200


@pytest.mark.parametrize("host", ["http://{authority}", "https://kms.example:1", "{authority}/", "kms.cn-hangzhou.aliyuncs.com"])
def test_any_host_will_do_as_it_stands(signed, host):
    host = host.format(authority=signed.server.authority("http"))
    assert signed.acs3("DescribeRegions", host=host).status == 200


@pytest.mark.parametrize("authorization", [
    "{algorithm} Credential={id},Signature={signature},SignedHeaders={signed}",
    "{algorithm} Credential={id}, SignedHeaders={signed}, Signature={signature}",
    "{algorithm}  Credential={id},SignedHeaders={signed},Signature={signature}",
])
def test_the_parts_of_an_authorization_come_in_any_order_with_spaces(signed, authorization):
    assert signed.acs3("DescribeRegions", authorization=authorization).status == 200


@pytest.mark.parametrize("authorization", [
    "{algorithm}",
    "{algorithm} ",
    "{algorithm} Credential={id}",
    "{algorithm} Credential={id},SignedHeaders={signed}",
    "{algorithm} Credential={id},Signature={signature}",
    "{algorithm} SignedHeaders={signed},Signature={signature}",
    "{algorithm} Credential={id},SignedHeaders=,Signature={signature}",
])
def test_an_authorization_with_a_part_missing_is_incomplete(signed, authorization):
    expect(signed.acs3("DescribeRegions", authorization=authorization), 400, "IncompleteSignature")


@pytest.mark.parametrize("name", ["x-acs-action", "x-acs-version", "x-acs-date", "x-acs-content-sha256"])
def test_what_matters_must_be_signed(signed, name):
    expect(signed.acs3("DescribeRegions", unsigned=[name]), 400, "IncompleteSignature")


@pytest.mark.parametrize("algorithm", ["ACS3-RSA-SHA256", "ACS3-HMAC-MD5", "ACS3-"])
def test_other_algorithms_are_refused(signed, algorithm):
    expect(signed.acs3("DescribeRegions", algorithm=algorithm), 400, "InvalidSignatureMethod")


@pytest.mark.parametrize("signature", ["00" * 32, "zz", "é", "{signature}00"])
def test_acs3_refuses_what_is_no_signature(signed, signature):
    authorization = "{algorithm} Credential={id},SignedHeaders={signed},Signature=" + signature
    expect(signed.acs3("DescribeRegions", authorization=authorization.encode().decode("latin-1")),
           400, "SignatureDoesNotMatch")


def test_the_body_must_be_the_one_that_was_hashed(signed):
    expect(signed.acs3("CreateKey", form={"Description": "x"}, x_acs_content_sha256=EMPTY_SHA256),
           400, "SignatureDoesNotMatch")
    expect(signed.acs3("DescribeRegions", x_acs_content_sha256="00" * 32), 400, "SignatureDoesNotMatch")
    expect(signed.acs3("DescribeRegions", x_acs_content_sha256="UNSIGNED-PAYLOAD"), 400, "SignatureDoesNotMatch")


def test_acs3_signs_the_query(signed):
    expect(signed.acs3("DescribeKey", {"KeyId": "a"}, target="/?KeyId=b"), 400, "SignatureDoesNotMatch")


def test_acs3_tells_what_it_signed(server):
    wrong = Signed(server, access_key_secret="not-the-secret")
    texts = []
    make = wrong.acs3_text
    wrong.acs3_text = lambda *given: texts.append(make(*given)) or texts[-1]
    message = expect(wrong.acs3("DescribeKey", {"KeyId": "a b*~:/", "Empty": ""}), 400, "SignatureDoesNotMatch")
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(texts[-1].encode()).hexdigest()}"
    assert message == (
        "Specified signature does not match our calculation. "
        f"server StringToSign is [{to_sign}] server CanonicalRequest is [{texts[-1]}]"
    )


# ACS4 -----------------------------------------------------------------------------------------


def acs4(signed, region=REGION, day=None, service="Kms"):
    def mac(key, text):
        return hmac.new(key, text.encode(), "sha256").digest()

    headers = signed.acs3_headers("DescribeRegions")
    day = day or headers["x-acs-date"][:10].replace("-", "")
    names = sorted(headers)
    text = signed.acs3_text("POST", [], headers, names, EMPTY_SHA256)
    key = f"aliyun_v4{signed.access_key_secret}".encode()
    for part in (day, region, service, "aliyun_v4_request"):
        key = mac(key, part)
    signature = mac(key, f"ACS4-HMAC-SHA256\n{hashlib.sha256(text.encode()).hexdigest()}").hex()
    headers["Authorization"] = (
        f"ACS4-HMAC-SHA256 Credential={signed.access_key_id}/{day}/{region}/{service}/aliyun_v4_request,"
        f"SignedHeaders={';'.join(names)},Signature={signature}"
    )
    return signed.send("POST", "/", headers)


def test_acs4_is_taken_with_the_region_of_its_scope(signed):
    assert acs4(signed).status == 200
    assert acs4(signed, region="center").status == 200


def test_acs4_is_bound_to_its_day(signed):
    assert acs4(signed, day="20200101").status == 400


# No signature ---------------------------------------------------------------------------------


@pytest.mark.parametrize("query, headers", [
    ({}, {}),
    ({"Action": "DescribeRegions", "Version": "2016-01-20"}, {}),
    ({"Format": "json"}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20"}),
    ({"SignatureType": "BEARERTOKEN"}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20", "x-acs-bearer-token": "t"}),
    ({"Action": "DescribeRegions", "Version": "2016-01-20", "SignatureType": "BEARERTOKEN", "BearerToken": "t"}, {}),
    ({}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20", "x-acs-zero-trust-idtoken": "t"}),
    ({}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20", "Authorization": "Bearer t",
          "x-acs-bearer-token": "t", "x-acs-signature-type": "BEARERTOKEN"}),
    ({}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20", "Authorization": "Basic dTpw"}),
    ({}, {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-01-20", "Authorization": "acs id:signature"}),
], ids=["nothing", "V1 anonymous", "V3 anonymous", "V3 bearer", "V1 bearer", "identity token", "V4 bearer", "basic", "ROA"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_done_without_a_signature(signed, query, headers, method):
    reply = signed.send(method, "/?" + query_string(query.items()), headers)
    assert reply.status == 400, reply
    assert reply.code.startswith(("Missing", "Invalid", "Incomplete")), reply
    assert "Regions" not in reply.json
    reply = signed.send("POST", "/", {**headers, "Content-Type": FORM}, query_string(query.items()).encode())
    assert reply.status == 400, reply
    assert "Regions" not in reply.json

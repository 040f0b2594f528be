//! The vectors of the gateway reference, section 2: the text that is signed, and the signature over it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::Header;
use sesame_crypto::digest::{hex_lower, sha256, sm3};
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_service::request::AcsAlgorithm;

use super::acs::{Authorization, Canonical, Names};
use super::v1::{Empty, alternative, string_to_sign};
use crate::form::{Pair, Place, read_pairs, sort};

const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    hex_lower(bytes, &mut out);
    out
}

fn hmac(hash: HmacHash, key: &[u8], text: &[u8]) -> Vec<u8> {
    HmacKey::new(hash, key).sign(&[text]).as_bytes().to_vec()
}

fn pairs<'r>(query: &'r str, form: &'r str) -> (Vec<Pair<'r>>, Vec<u8>) {
    let (mut arena, mut pairs) = (Vec::new(), Vec::new());
    read_pairs(query.as_bytes(), Place::Query, 100, &mut arena, &mut pairs).unwrap();
    read_pairs(form.as_bytes(), Place::Form, 100, &mut arena, &mut pairs).unwrap();
    sort(&mut pairs, &arena);
    (pairs, arena)
}

fn v1(method: &str, query: &str, form: &str) -> (String, String) {
    let (pairs, arena) = pairs(query, form);
    let mut out = Vec::new();
    string_to_sign(&mut out, method, &pairs, &arena, Empty::Signed);
    let signature = STANDARD.encode(hmac(HmacHash::Sha1, b"testsecret&", &out));
    (String::from_utf8(out).unwrap(), signature)
}

const COMMON: &str = "Version=2016-01-20&Action=UntagResources&Format=JSON&RegionId=cn-hangzhou\
    &Timestamp=2026-01-02T03%3A04%3A05Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0\
    &SignatureNonce=0123456789abcdef0123456789abcdef&AccessKeyId=testid";

#[test]
fn vector_1() {
    let (text, signature) = v1(
        "GET",
        "AccessKeyId=testid&Action=CreateKey&Format=json&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
         &Timestamp=2016-03-28T03:13:08Z&Version=2016-01-20&Signature=x",
        "",
    );
    assert_eq!(
        text,
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DCreateKey%26Format%3Djson%26SignatureMethod%3DHMAC-SHA1%26\
         SignatureVersion%3D1.0%26Timestamp%3D2016-03-28T03%253A13%253A08Z%26Version%3D2016-01-20"
    );
    assert_eq!(signature, "41wk2SSX1GJh7fwnc5eqOfiJPFg=");
}

#[test]
fn vector_2() {
    let wire = format!(
        "ResourceId.1=key-a%20b&ResourceId.2=key%2A~%2F%2B&ResourceType=key&TagKey.1=%E7%8E%AF%E5%A2%83&All=False\
         &{COMMON}&Signature=ny31feU3bRCWpljaXA71yUT3wVc%3D"
    );
    let (text, signature) = v1("POST", &wire, "");
    assert_eq!(
        text,
        "POST&%2F&AccessKeyId%3Dtestid%26Action%3DUntagResources%26All%3DFalse%26Format%3DJSON%26\
         RegionId%3Dcn-hangzhou%26ResourceId.1%3Dkey-a%2520b%26ResourceId.2%3Dkey%252A~%252F%252B%26\
         ResourceType%3Dkey%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D0123456789abcdef0123456789abcdef%26\
         SignatureType%3D%26SignatureVersion%3D1.0%26TagKey.1%3D%25E7%258E%25AF%25E5%25A2%2583%26\
         Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2016-01-20"
    );
    assert_eq!(signature, "ny31feU3bRCWpljaXA71yUT3wVc=");
    // Another client writes the same values in another way: raw characters, `+`, lower-case digits.
    let other = wire.replace("%20", "+").replace("%2A", "*").replace("%2F", "/").replace("%E7%8E%AF", "环");
    assert_eq!(v1("POST", &other.replace("%2B", "%2b"), ""), (text, signature));
}

#[test]
fn vector_3() {
    let (text, signature) = v1("POST", &format!("ResourceType=key&{COMMON}"), "KeyId=a+b%2A");
    assert_eq!(
        text,
        "POST&%2F&AccessKeyId%3Dtestid%26Action%3DUntagResources%26Format%3DJSON%26KeyId%3Da%2520b%252A%26\
         RegionId%3Dcn-hangzhou%26ResourceType%3Dkey%26SignatureMethod%3DHMAC-SHA1%26\
         SignatureNonce%3D0123456789abcdef0123456789abcdef%26SignatureType%3D%26SignatureVersion%3D1.0%26\
         Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2016-01-20"
    );
    assert_eq!(signature, "O/dLTQsIwcpwJA0Xbe4pJzXbruM=");
}

#[test]
fn vector_4() {
    let query = "Action=PutSecretValue&Format=json&Version=2016-01-20&Timestamp=2026-01-02T03%3A04%3A05Z\
        &SignatureNonce=0123456789abcdef0123456789abcdef&SecretName=s1&VersionId=v1&SignatureMethod=HMAC-SHA1\
        &SignatureVersion=1.0&AccessKeyId=testid&Signature=uQ11kOo0%2BcyN%2F3bPLSGoT7LdDUc%3D";
    let (_, signature) = v1("POST", query, "SecretData=p+w%2A%2B~d%2F%E4%B8%AD");
    assert_eq!(signature, "uQ11kOo0+cyN/3bPLSGoT7LdDUc=");
}

#[test]
fn empty_values_are_left_out_of_the_alternative_only() {
    let (pairs, arena) = pairs("b=&a=1&Signature=x", "");
    let mut out = Vec::new();
    string_to_sign(&mut out, "GET", &pairs, &arena, Empty::Signed);
    assert_eq!(out, b"GET&%2F&a%3D1%26b%3D");
    assert_eq!(alternative("GET", &pairs, &arena).unwrap(), "GET&%2F&a%3D1");
    assert_eq!(alternative("GET", &pairs[..1], &arena), None);
}

struct Acs {
    headers: Vec<(&'static str, String)>,
    list: String,
    hash: String,
}

/// The headers of vector 5, changed as the later vectors say.
fn acs(action: &str, content_type: bool, hash: &str) -> Acs {
    let mut headers = vec![("accept", "application/json".to_owned())];
    if content_type {
        headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
    }
    headers.extend([
        ("host", "kms.cn-hangzhou.aliyuncs.com".to_owned()),
        ("User-Agent", " AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2 ".to_owned()),
        ("x-acs-action", action.to_owned()),
        ("x-acs-content-sha256", hash.to_owned()),
        ("x-acs-credentials-provider", "static_ak".to_owned()),
        ("x-acs-date", "2026-01-02T03:04:05Z".to_owned()),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef".to_owned()),
        ("x-acs-version", "2016-01-20".to_owned()),
    ]);
    let list: Vec<_> = headers.iter().map(|(name, _)| name.to_lowercase()).collect();
    Acs { headers, list: list.join(";"), hash: hash.to_owned() }
}

fn canonical(acs: &Acs, query: &str, form: &str) -> String {
    let (pairs, arena) = pairs(query, form);
    let headers: Vec<_> = acs.headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
    let canonical = Canonical {
        method: "POST",
        sorted: &pairs,
        arena: &arena,
        headers: &headers,
        signed_headers: &acs.list,
        payload_hash: &acs.hash,
    };
    let mut out = Vec::new();
    canonical.write(&mut out, Names::Encoded);
    String::from_utf8(out).unwrap()
}

/// Hash of the canonical request, and the signature.
fn sign(algorithm: AcsAlgorithm, key: &[u8], canonical: &str) -> (String, String) {
    let sm = matches!(algorithm, AcsAlgorithm::Acs3HmacSm3 | AcsAlgorithm::Acs4HmacSm3);
    let (hash, mac) =
        if sm { (sm3(canonical.as_bytes()), HmacHash::Sm3) } else { (sha256(canonical.as_bytes()), HmacHash::Sha256) };
    let text = format!("{}\n{}", algorithm.name(), hex(&hash));
    (hex(&hash), hex(&hmac(mac, key, text.as_bytes())))
}

#[test]
fn vector_5() {
    let query = "All=False&RegionId=cn-hangzhou&ResourceId.1=key-a+b&ResourceId.2=key%2A~%2F%2B&ResourceType=key\
        &TagKey.1=%E7%8E%AF%E5%A2%83";
    let canonical = canonical(&acs("UntagResources", false, SHA256_OF_NOTHING), query, "");
    assert_eq!(
        canonical,
        "POST\n/\nAll=False&RegionId=cn-hangzhou&ResourceId.1=key-a%20b&ResourceId.2=key%2A~%2F%2B&ResourceType=key\
         &TagKey.1=%E7%8E%AF%E5%A2%83\naccept:application/json\nhost:kms.cn-hangzhou.aliyuncs.com\n\
         user-agent:AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2\nx-acs-action:UntagResources\n\
         x-acs-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
         x-acs-credentials-provider:static_ak\nx-acs-date:2026-01-02T03:04:05Z\n\
         x-acs-signature-nonce:0123456789abcdef0123456789abcdef\nx-acs-version:2016-01-20\n\n\
         accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;\
         x-acs-signature-nonce;x-acs-version\n\
         e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let (hash, signature) = sign(AcsAlgorithm::Acs3HmacSha256, b"testsecret", &canonical);
    assert_eq!(hash, "27500086fb39de24fa943d2adfb242bd51347ce563365927c22f01c0478ef296");
    assert_eq!(signature, "2cd8f2a70870c9afa1f80196eb96bac8df79065ba8e7bf0a2b69e20946106dcc");
}

#[test]
fn vector_6() {
    let body = "SecretData=p+w%2A%2B~d%2F%E4%B8%AD";
    let payload = hex(&sha256(body.as_bytes()));
    assert_eq!(payload, "7ba55dff36e1931cd0bb32774a1c5d2150eb7e9e0301173eb68085dadff468a4");
    let canonical = canonical(&acs("PutSecretValue", true, &payload), "SecretName=s1&VersionId=v1", body);
    let (hash, signature) = sign(AcsAlgorithm::Acs3HmacSha256, b"testsecret", &canonical);
    assert_eq!(hash, "948d736a72debf27442f2d40bd95c633d11baf7cd9f02097be14373efe241598");
    assert_eq!(signature, "9eb0468aaab67099b0e510accee2716f23266f3a45fe6058e554776320430846");
}

#[test]
fn vector_7() {
    let payload = hex(&sm3(b""));
    assert_eq!(payload, "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b");
    let canonical = canonical(&acs("DescribeKey", false, &payload), "KeyId=alias%2Fa", "");
    let (hash, signature) = sign(AcsAlgorithm::Acs3HmacSm3, b"testsecret", &canonical);
    assert_eq!(hash, "34f88fbc75397bfff3ea2d8cede7b1fdfcff2a36cef85c5c2666850c394795ab");
    assert_eq!(signature, "7aa487fc612d8ae9bbe8fa2a64072ae72f15f564a619d5d1165c769ac2eb0c6a");
}

#[test]
fn vector_8() {
    let header = "ACS4-HMAC-SHA256 Credential=testid/20260102/cn-hangzhou/Kms/aliyun_v4_request,SignedHeaders=\
        host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,\
        Signature=ab784c7ed76d06b362aba508b2e1e2a89a3c4fe39a0715caa64c9ac31a248d8a";
    let parsed = Authorization::parse(header.as_bytes()).unwrap();
    let scope = parsed.scope.unwrap();
    let mut acs = acs("DescribeKey", false, SHA256_OF_NOTHING);
    acs.list = parsed.signed_headers.to_owned();
    let canonical = canonical(&acs, "KeyId=alias%2Fa", "");
    let steps = [scope.day, scope.region, scope.product, "aliyun_v4_request"];
    let key =
        steps.iter().fold(b"aliyun_v4testsecret".to_vec(), |key, step| hmac(HmacHash::Sha256, &key, step.as_bytes()));
    assert_eq!(
        (parsed.access_key_id, sign(parsed.algorithm, &key, &canonical).1.as_str()),
        ("testid", parsed.signature)
    );
}

#[test]
fn names_are_plain_in_the_alternative_only() {
    let (pairs, arena) = pairs("ExtendedConfig.CustomData.a%2Fb=c%2Fd&x=1", "form%2F=1");
    let canonical = Canonical {
        method: "POST",
        sorted: &pairs,
        arena: &arena,
        headers: &[],
        signed_headers: "host",
        payload_hash: "h",
    };
    let mut out = Vec::new();
    canonical.write(&mut out, Names::Encoded);
    assert_eq!(out, b"POST\n/\nExtendedConfig.CustomData.a%2Fb=c%2Fd&x=1\nhost:\n\nhost\nh");
    let alternative = canonical.alternative().unwrap();
    assert_eq!(alternative, b"POST\n/\nExtendedConfig.CustomData.a/b=c%2Fd&x=1\nhost:\n\nhost\nh");
    let plain = Canonical { sorted: &pairs[1..], ..canonical };
    assert_eq!(plain.alternative(), None);
}

/// Requests that official clients really sent (gateway reference, 1.6), with the signatures that they computed.
mod recorded {
    use super::*;

    #[test]
    fn the_legacy_python_sdk() {
        let query = "ResourceId.1=k%201&ResourceId.2=k%2A2~&ResourceType=key&TagKey.1=a&TagKey.2=%E4%B8%AD%E6%96%87\
            &All=False&Version=2016-01-20&Action=UntagResources&Format=JSON&RegionId=cn-hangzhou\
            &Timestamp=2026-11-24T11%3A16%3A14Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0\
            &SignatureNonce=44c6d8efa9da5314ec5e0c30dd6be342&AccessKeyId=testid\
            &Signature=E%2BPc72YJBQAJv0OssH5W%2FB7mf80%3D";
        assert_eq!(v1("POST", query, "").1, "E+Pc72YJBQAJv0OssH5W/B7mf80=");
    }

    #[test]
    fn pop_core_with_get() {
        let query = "AccessKeyId=testid&Action=UntagResources&All=false&Format=JSON&RegionId=cn-hangzhou\
            &ResourceId.1=k%201&ResourceId.2=k%2A2~&ResourceType=key&SignatureMethod=HMAC-SHA1\
            &SignatureNonce=012e3bc76f1c06d90bd3686d2980be77&SignatureVersion=1.0&TagKey.1=a\
            &TagKey.2=%E4%B8%AD%E6%96%87&Timestamp=2026-11-24T11%3A16%3A15Z&Version=2016-01-20\
            &Signature=j6LjHnbmx5gYuJt3fob2GZOFkrg%3D";
        assert_eq!(v1("GET", query, "").1, "j6LjHnbmx5gYuJt3fob2GZOFkrg=");
    }

    #[test]
    fn pop_core_with_a_form() {
        let form = "AccessKeyId=testid&Action=TagResources&Format=JSON&RegionId=cn-hangzhou&ResourceId.1=k%201\
            &ResourceType=key&SignatureMethod=HMAC-SHA1&SignatureNonce=63bca54139203588fe0c7c47ba581380\
            &SignatureVersion=1.0&Tag.1.Key=a&Tag.1.Value=b%20%21%27%28%29%2A&Timestamp=2026-11-24T11%3A16%3A15Z\
            &Version=2016-01-20&Signature=hFmHXADXtvJGfFXhMTuWyxbGfc0%3D";
        assert_eq!(v1("POST", "", form).1, "hFmHXADXtvJGfFXhMTuWyxbGfc0=");
    }

    #[test]
    fn the_node_sdk() {
        let query = "Action=CreateSecret&Format=json&Timestamp=2026-11-24T11%3A16%3A15Z&Version=2016-01-20\
            &SignatureNonce=ea3413ae88dac88b03d80c34dcd89a61&SecretName=s1&VersionId=v1\
            &SecretData=p%20w*%2B~d!%27()&Description=&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
            &AccessKeyId=testid&Signature=SoRYWM6%2FpzIxWMQsa74E6v7OdDA%3D";
        assert_eq!(v1("POST", query, "").1, "SoRYWM6/pzIxWMQsa74E6v7OdDA=");
    }

    /// The headers that the modern Python SDK signs, in its recorded requests.
    fn modern(action: &str, date: &str, nonce: &str, content_type: bool, hash: &str) -> Acs {
        let mut acs = acs(action, content_type, hash);
        for (name, value) in &mut acs.headers {
            match *name {
                "host" => "127.0.0.1:18081".clone_into(value),
                "x-acs-date" => date.clone_into(value),
                "x-acs-signature-nonce" => nonce.clone_into(value),
                _ => {}
            }
        }
        acs
    }

    #[test]
    fn the_modern_python_sdk() {
        let query = "All=False&RegionId=cn-hangzhou&ResourceId.1=k+1&ResourceId.2=k%2A2~&ResourceType=key&TagKey.1=a\
            &TagKey.2=%E4%B8%AD%E6%96%87";
        let nonce = "b79041265ad9f587d567d348c141ed10";
        let acs = modern("UntagResources", "2026-11-24T11:16:08Z", nonce, false, SHA256_OF_NOTHING);
        let (_, signature) = sign(AcsAlgorithm::Acs3HmacSha256, b"testsecret", &canonical(&acs, query, ""));
        assert_eq!(signature, "519ba1fdf68147683a3308525b1c2a5a47ed3e3d27d8cc2c13459eef38dd22e9");
    }

    #[test]
    fn the_modern_python_sdk_with_a_form() {
        let query = "Description=&EnableAutomaticRotation=True&ExtendedConfig=%7B%22SecretSubType%22%3A%22x%22%7D\
            &SecretName=s1&Tags=%5B%7B%22TagKey%22%3A%22a%22%2C%22TagValue%22%3A%22b%22%7D%5D&VersionId=v1";
        let body = "SecretData=p+w%2A%2B~d";
        let nonce = "c68d54bbb5c6eaeccce050dca0f76277";
        let hash = hex(&sha256(body.as_bytes()));
        let acs = modern("CreateSecret", "2026-11-24T11:16:08Z", nonce, true, &hash);
        let (_, signature) = sign(AcsAlgorithm::Acs3HmacSha256, b"testsecret", &canonical(&acs, query, body));
        assert_eq!(signature, "fcbc8bdb8398a6ddadf8a0a212bafe42846795f1cbad01ac8e62da174fe00cef");
    }
}

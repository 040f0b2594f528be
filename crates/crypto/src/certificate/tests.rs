use super::*;

#[test]
fn a_subject_is_read_in_its_text_form() {
    for (text, back) in [
        ("CN=userName,OU=kms,O=aliyun,C=CN", "CN=userName,OU=kms,O=aliyun,C=CN"),
        ("C=CN, O=aliyun ;ou=kms,cn=a b", "C=CN,O=aliyun,OU=kms,CN=a b"),
        (r"CN=Smith\, John,OU=a\2Bb,O=x\=y,C=cn,ST=浙江,L=杭州", r"CN=Smith\, John,OU=a\+b,O=x=y,C=cn,ST=浙江,L=杭州"),
    ] {
        assert_eq!(SubjectName::parse(text).unwrap().to_text(), back);
    }
    for wrong in [
        "",
        "CN=a",
        "CN=a,OU=b,O=c",
        "CN=a,OU=b,O=c,C=CHN",
        "CN=a,OU=b,O=c,C=1é",
        "CN=,OU=b,O=c,C=CN",
        "CN=a,CN=a,OU=b,O=c,C=CN",
        "CN=a,OU=b,O=c,C=CN,X=y",
        "CN=a,OU=b,O=c,C=CN,",
        "CN=a,OU=b,O=c,C=CN,1.2.3=#0101",
        r"CN=a\,OU=b,O=c,C=CN\",
        r"CN=a\zz,OU=b,O=c,C=CN",
        r"CN=a\ff,OU=b,O=c,C=CN",
        "CN=a\u{0}b,OU=b,O=c,C=CN",
    ] {
        assert!(SubjectName::parse(wrong).is_err(), "{wrong}");
    }
    let long = format!("CN={},OU=b,O=c,C=CN", "x".repeat(65));
    assert!(SubjectName::parse(&long).is_err());
}

#[test]
fn a_domain_name_is_recognised() {
    for good in ["example.com", "*.example.com", "a", "xn--fiq228c.com", "1.2"] {
        assert!(DnsName::parse(good).is_ok(), "{good}");
    }
    for wrong in ["", ".", "a..b", "-a.com", "a-.com", "a b", "*", "a.*.com", "例子.com", &"a.".repeat(200)] {
        assert!(DnsName::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    for wrong in ["", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"] {
        assert!(Certificate::from_pem(wrong).is_err(), "{wrong}");
    }
}

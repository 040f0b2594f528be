//! GetRandomPassword.

use sesame_testkit::TestKms;

use super::*;

#[tokio::test]
async fn a_password_meets_its_parameters() {
    let kms = TestKms::new().await;
    let draw = async |params: &[(&str, &str)]| {
        let answer = kms.call("GetRandomPassword", params).await.unwrap();
        member(&answer, "/RandomPassword").to_owned()
    };
    assert_eq!(draw(&[]).await.len(), 32);
    assert_ne!(draw(&[]).await, draw(&[]).await);
    let plain = draw(&[("ExcludePunctuation", "true"), ("PasswordLength", "128")]).await;
    assert!(plain.len() == 128 && plain.bytes().all(|b| b.is_ascii_alphanumeric()), "{plain}");
    let digits = [
        ("ExcludePunctuation", "true"),
        ("ExcludeLowercase", "True"),
        ("ExcludeUppercase", "true"),
        ("ExcludeCharacters", "0123456"),
        ("PasswordLength", "8"),
    ];
    let digits = draw(&digits).await;
    assert!(digits.len() == 8 && digits.bytes().all(|b| b"789".contains(&b)), "{digits}");
    let each = draw(&[("RequireEachIncludedType", "true"), ("PasswordLength", "8")]).await;
    assert!(each.contains(|c: char| c.is_ascii_digit()) && each.contains(|c: char| c.is_ascii_punctuation()));
}

#[tokio::test]
async fn impossible_passwords_are_refused() {
    let kms = TestKms::new().await;
    let all =
        ["ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation"].map(|name| (name, "true"));
    for params in [
        &[("PasswordLength", "7")][..],
        &[("PasswordLength", "129")],
        &[("PasswordLength", "x")],
        &[("ExcludeNumbers", "x")],
        &all,
        &[("RequireEachIncludedType", "true"), ("ExcludeCharacters", "0123456789")],
    ] {
        assert_eq!(code(kms.call("GetRandomPassword", params).await), INVALID, "{params:?}");
    }
}

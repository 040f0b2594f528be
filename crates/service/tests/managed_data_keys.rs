//! Data keys that are kept under a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_testkit::TestKms;

const NOT_FOUND: &str = "Forbidden.ResourceNotFound";

#[tokio::test]
async fn a_data_key_is_answered_by_version_first_or_latest() {
    let kms = TestKms::new().await;
    let account = "1234567890123456".parse().unwrap();
    let mut versions = Vec::new();
    for _ in 0..3 {
        versions.push(kms.service.add_managed_data_key_version(&account, "app").await.unwrap());
    }
    let get = async |more: &[(&str, &str)]| {
        let answer = kms.call("GetManagedDataKey", &[&[("DataKeyName", "app")], more].concat()).await.unwrap();
        let version = answer["DataKeyVersionId"].as_str().unwrap().to_owned();
        assert_eq!(answer["DataKeyVersionName"], format!("kms-datakeyversion!app!{version}"));
        assert_eq!(STANDARD.decode(answer["Plaintext"].as_str().unwrap()).unwrap().len(), 32);
        (version, answer["Plaintext"].clone())
    };
    assert_eq!(versions[0].len(), 8);
    assert_eq!(get(&[]).await.0, versions[0]);
    assert_eq!(get(&[("UseLatest", "false")]).await.0, versions[0]);
    assert_eq!(get(&[("UseLatest", "true")]).await.0, versions[2]);
    let middle = get(&[("UseLatest", "true"), ("DataKeyVersionId", &versions[1])]).await;
    assert_eq!(middle.0, versions[1]);
    assert_eq!(get(&[("DataKeyVersionId", &versions[1])]).await, middle);
    assert_ne!(get(&[]).await.1, middle.1);

    let page = [("DataKeyName", "app"), ("PageNumber", "1"), ("PageSize", "2")];
    let listed = kms.call("ListManagedDataKeyVersions", &page).await.unwrap();
    assert_eq!((&listed["TotalCount"], &listed["PageNumber"], &listed["PageSize"]), (&3.into(), &1.into(), &2.into()));
    let rows = listed["ManagedDataKeyVersions"]["ManagedDataKeyVersion"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["DataKeyVersionId"].as_str().unwrap()).collect();
    assert_eq!(ids, [&versions[2], &versions[1]]);
}

#[tokio::test]
async fn what_is_unknown_or_of_another_account_is_not_found() {
    let kms = TestKms::new().await;
    let account = "1234567890123456".parse().unwrap();
    kms.service.add_managed_data_key_version(&account, "app").await.unwrap();
    for operation in ["GetManagedDataKey", "ListManagedDataKeyVersions"] {
        let refused = kms.call(operation, &[("DataKeyName", "other")]).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (404, NOT_FOUND));
        let refused = kms.call_from("6543210987654321", operation, &[("DataKeyName", "app")]).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (404, NOT_FOUND));
        let refused = kms.call(operation, &[]).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (400, "MissingParameter"));
    }
    let version = [("DataKeyName", "app"), ("DataKeyVersionId", "none")];
    assert_eq!(kms.call("GetManagedDataKey", &version).await.unwrap_err().code, NOT_FOUND);
    for wrong in ["", "a!b", "a b", &"x".repeat(65)] {
        assert!(kms.service.add_managed_data_key_version(&account, wrong).await.is_err(), "{wrong}");
    }
}

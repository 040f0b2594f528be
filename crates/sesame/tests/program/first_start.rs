use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::client::{Client, get};
use crate::server::{Server, said, sourced};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_everything_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert_eq!(mode(&data), 0o700);
    for file in ["root.key", "sesame.db", "credentials.env", "ca.key", "lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let credentials = sourced(&data.join("credentials.env"));
    assert!(credentials[0].starts_with("LTAI") && credentials[0].len() == 24, "{credentials:?}");
    assert_eq!(credentials[1].len(), 30);
    assert_eq!(credentials[2], server.endpoints["http"]);
    assert_eq!(get(server.http(), "/healthz").unwrap().0, 200);

    let banner = server.banner();
    for part in [server.http(), "ca.pem", "credentials.env", &credentials[0], "sesame call CreateKey --data "] {
        assert!(banner.contains(part), "{part} in {banner}");
    }
    assert!(!banner.contains(&credentials[1]) && !server.log().contains(&credentials[1]));
    assert_eq!(server.answer(&["DescribeAccountKmsStatus"])["AccountStatus"], "Enabled");
}

#[test]
fn the_second_start_finds_what_the_first_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let kept = ["root.key", "ca.pem", "ca.key"].map(|file| fs::read(data.join(file)).unwrap());
    let credentials = sourced(&data.join("credentials.env"));
    assert!(server.stop().success());
    assert!(!data.join("endpoints.json").exists());

    let server = Server::start(&data);
    assert_eq!(server.answer(&["DescribeKey", "--KeyId", &key])["KeyMetadata"]["KeyId"], *key);
    assert_eq!(["root.key", "ca.pem", "ca.key"].map(|file| fs::read(data.join(file)).unwrap()), kept);
    let again = sourced(&data.join("credentials.env"));
    assert_eq!(again[..2], credentials[..2]);
    assert_eq!(again[2], server.endpoints["http"]);
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let refused = Server::command(&data).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = said(&refused);
    assert!(text.contains(&format!("another server (process {}) uses the data folder", server.child.id())), "{text}");
    assert!(data.join("endpoints.json").exists());
    assert_eq!(get(server.http(), "/healthz").unwrap().0, 200);
}

#[test]
fn the_environment_fixes_the_first_access_key() {
    const ID: &str = "LTAIfixedfixedfixed12345";
    const SECRET: &str = "fixed-secret-of-the-first-key";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let fixed = |secret: &str| {
        let mut command = Server::command(&data);
        command.env("SESAME_ROOT_ACCESS_KEY_ID", ID).env("SESAME_ROOT_ACCESS_KEY_SECRET", secret);
        command.env("SESAME_ACCOUNT_ID", "1234567890123456");
        command
    };
    let server = Server::start_with(fixed(SECRET), &data);
    assert_eq!(sourced(&data.join("credentials.env"))[..2], [ID, SECRET]);
    assert!(server.banner().contains("1234567890123456"));
    let arn = server.answer(&["CreateKey"])["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    assert!(arn.starts_with("acs:kms:cn-hangzhou:1234567890123456:key/"), "{arn}");
    assert!(server.stop().success());

    // The same again is no contradiction, and neither is silence.
    assert!(Server::start_with(fixed(SECRET), &data).stop().success());
    assert!(Server::start(&data).stop().success());

    let refused = fixed("another-secret-than-before").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = said(&refused);
    assert!(text.contains("SESAME_ROOT_ACCESS_KEY_REPLACE=true") && !text.contains("another-secret"), "{text}");

    let mut replacing = fixed("another-secret-than-before");
    replacing.env("SESAME_ROOT_ACCESS_KEY_REPLACE", "true");
    let server = Server::start_with(replacing, &data);
    assert_eq!(server.answer(&["DescribeRegions"])["Regions"]["Region"][0]["RegionId"], "cn-hangzhou");
    let (status, answer) = Client::connect_as(server.http(), ID, SECRET).unwrap().call("ListKeys", &[]).unwrap();
    assert_eq!((status, answer["Code"].as_str().unwrap()), (400, "SignatureDoesNotMatch"));
}

#[test]
fn a_secret_comes_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("secret");
    fs::write(&file, "secret-from-a-mounted-file\n").unwrap();
    let mut command = Server::command(&data);
    command.env("SESAME_ROOT_ACCESS_KEY_ID", "ci").env("SESAME_ROOT_ACCESS_KEY_SECRET_FILE", &file);
    let refused = command.output().unwrap();
    assert!(said(&refused).contains("root_access_key.id must have 4 to 128"), "{}", said(&refused));
    command.env("SESAME_ROOT_ACCESS_KEY_ID", "ci-key");
    let _server = Server::start_with(command, &data);
    assert_eq!(sourced(&data.join("credentials.env"))[..2], ["ci-key", "secret-from-a-mounted-file"]);
}

#[test]
fn a_database_without_its_root_key_is_not_given_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).stop().success());
    fs::rename(data.join("root.key"), data.join("elsewhere")).unwrap();
    let refused = Server::command(&data).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("root key") && !data.join("root.key").exists(), "{}", said(&refused));
}

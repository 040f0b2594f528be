use super::*;

fn load(file: Option<&str>, environment: &[(&str, &str)], sets: &[&str]) -> Result<Config> {
    let folder =
        std::env::temp_dir().join(format!("sesame-config-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("test.toml");
    std::fs::write(&path, file.unwrap_or_default()).unwrap();
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    let result = Config::load(&Sources { file: Some(path), flags: Vec::new(), sets, environment });
    std::fs::remove_dir_all(&folder).unwrap();
    result
}

fn refusal(file: Option<&str>, environment: &[(&str, &str)], sets: &[&str]) -> String {
    format!("{:#}", load(file, environment, sets).unwrap_err())
}

#[test]
fn the_sample_parses_and_equals_the_defaults() {
    let config = load(Some(&print::sample()), &[], &[]).unwrap();
    let defaults = Settings::default();
    for key in KEYS {
        assert_eq!(config.settings.toml(key.name), defaults.toml(key.name), "{}", key.name);
        let listed = defaults.toml(key.name).is_some() && key.name != "data";
        assert_eq!(config.origins.contains_key(key.name), listed, "{}", key.name);
    }
}

#[test]
fn the_sample_in_the_package_is_the_generated_one() {
    assert_eq!(include_str!("../../../../packaging/sesame.toml"), print::sample());
}

#[test]
fn each_source_is_stronger_than_the_one_before() {
    let file = "region = \"cn-beijing\"\n[log]\nformat = \"json\"\nlevel = \"debug\"\n";
    let environment = [("SESAME_LOG_FORMAT", "text"), ("SESAME_LOG_LEVEL", "warn")];
    let config = load(Some(file), &environment, &["log.level=error"]).unwrap();
    assert_eq!(config.settings.region.as_str(), "cn-beijing");
    assert_eq!(config.settings.log_format, LogFormat::Text);
    assert_eq!(config.settings.log_level, LogLevel::Error);
    assert!(config.origin("region").ends_with("test.toml:1"), "{}", config.origin("region"));
    assert_eq!(config.origin("log.format"), "SESAME_LOG_FORMAT");
    assert_eq!(config.origin("log.level"), "--set");
    assert_eq!(config.origin("http"), "default");
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest() {
    let text = refusal(Some("region = \"cn-beijing\"\n\n[limits]\n  conections = 5\n"), &[], &[]);
    assert!(
        text.ends_with("test.toml:4:3: there is no setting limits.conections. Did you mean \"limits.connections\"?"),
        "{text}"
    );
    let text = refusal(Some("colour = 1\n"), &[], &[]);
    assert!(text.ends_with("test.toml:1:1: there is no setting colour."), "{text}");
    let text = refusal(Some("[limitss]\nconnections = 1\n"), &[], &[]);
    assert!(text.contains("Did you mean \"limits\"?"), "{text}");
    assert!(refusal(None, &[], &["regoin=x"]).contains("Did you mean \"region\"?"));
}

#[test]
fn a_wrong_value_is_refused_with_its_place() {
    assert!(
        refusal(Some("clock_window_seconds = 0\n"), &[], &[])
            .ends_with("test.toml:1: clock_window_seconds must be between 1 and 86400")
    );
    assert!(refusal(Some("region = 5\n"), &[], &[]).ends_with("region must be a text in quotation marks"));
    assert!(refusal(Some("region = \n"), &[], &[]).contains("test.toml:1:"));
    assert!(refusal(None, &[("SESAME_HTTP", "8600")], &[]).contains("SESAME_HTTP: http must be an address such as"));
    assert!(refusal(None, &[("SESAME_HTTP_ANYWHERE", "perhaps")], &[]).contains("must be true or false"));
}

#[test]
fn settings_that_belong_together_are_checked_together() {
    assert!(refusal(None, &[("SESAME_HTTP", "off"), ("SESAME_HTTPS", "off")], &[]).contains("both off"));
    assert!(refusal(None, &[("SESAME_ROOT_ACCESS_KEY_ID", "LTAIx")], &[]).contains("without its secret"));
    assert!(refusal(None, &[("SESAME_ROOT_ACCESS_KEY_SECRET", "0123456789abcdef")], &[]).contains("without its id"));
    assert!(refusal(None, &[("SESAME_TLS_KEY", "x")], &[]).contains("without tls.certificate"));
}

#[test]
fn no_secret_is_shown() {
    let environment = [
        ("SESAME_STORAGE_URL", "postgres://sesame:canary-1@db/sesame"),
        ("SESAME_ROOT_ACCESS_KEY_ID", "LTAIexample"),
        ("SESAME_ROOT_ACCESS_KEY_SECRET", "canary-2-canary-2"),
    ];
    let config = load(None, &environment, &[]).unwrap();
    for text in [config.print(), format!("{config:?}")] {
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("LTAIexample"), "{text}");
    }
    assert!(config.print().parse::<toml::Table>().is_ok());
    let text = refusal(None, &[], &["storage.url=postgres://u:canary@db/x"]);
    assert!(text.contains("a secret cannot be a flag") && !text.contains("canary"), "{text}");
}

#[test]
fn unknown_variables_are_remarked_and_the_harness_is_left_alone() {
    let environment = [("SESAME_REGOIN", "x"), ("SESAME_TEST_X", "1"), ("SESAME_BIN", "1"), ("SESAME_ENDPOINT", "x")];
    let config = load(None, &environment, &[]).unwrap();
    assert_eq!(config.remarks.len(), 1);
    assert!(config.remarks[0].contains("Did you mean \"SESAME_REGION\"?"), "{:?}", config.remarks);
}

#[test]
fn relative_paths_are_taken_from_the_data_folder() {
    let config = load(None, &[("SESAME_DATA", "/srv/kms")], &[]).unwrap();
    assert_eq!(config.storage_url().unwrap().expose(), "sqlite:///srv/kms/sesame.db");
    assert_eq!(config.path(Path::new("root.key")), Path::new("/srv/kms/root.key"));
    let config = load(None, &[("SESAME_DATA", "/srv/kms"), ("SESAME_STORAGE_URL", "sqlite:///var/x.db")], &[]).unwrap();
    assert_eq!(config.storage_url().unwrap().expose(), "sqlite:///var/x.db");
}

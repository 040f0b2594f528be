use serde_json::json;
use sesame_domain::secret::SecretType;
use sesame_rotate::Kind;
use sesame_testkit::TestKms;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::world::{Case, World, instance};

/// The URL of a superuser of a server that nobody needs afterwards: roles are left behind in it.
pub(crate) fn url() -> Option<String> {
    let url = std::env::var("SESAME_TEST_SPARE_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "SESAME_TEST_SPARE_POSTGRES_URL is not set");
        eprintln!("SKIPPED: SESAME_TEST_SPARE_POSTGRES_URL is not set, rotation on PostgreSQL is not tested");
    }
    url
}

/// User, password and port of a URL.
pub(crate) fn parts(url: &str) -> (String, String, u16) {
    let rest = url.strip_prefix("postgres://").unwrap();
    let (login, place) = rest.split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let port = place.split(['/', ':']).nth(1).unwrap();
    (user.to_owned(), password.to_owned(), port.parse().unwrap())
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    PgConnection::connect_with(&url.parse::<PgConnectOptions>().unwrap()).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: &str) {
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_of_postgresql() {
    let Some(url) = url() else { return };
    let (user, password, port) = parts(&url);
    let mut admin = connect(&url).await;
    let row = admin.fetch_one("SELECT current_setting('data_directory')").await.unwrap();
    let log = format!("{}/../server.log", row.get::<String, _>(0));
    run(&mut admin, &format!("ALTER ROLE {user} SET log_statement = 'all'")).await;
    for name in ["app", "left", "right"] {
        run(&mut admin, &format!("CREATE ROLE {name} LOGIN PASSWORD 'first-{name}'")).await;
    }
    run(&mut admin, "CREATE TABLE things (n INTEGER); GRANT SELECT, INSERT ON things TO app").await;

    let instances = ["rm-pg", "pc-pg"].map(|id| (id, instance(Kind::Postgres, port, Some("db/admin"))));
    let world = World::new(TestKms::new().await, instances.into()).await;
    world.administrator("db/admin", &json!({"AccountName": user, "AccountPassword": password})).await;
    let single = Case::rds("single", "rm-pg", "SingleUser", &[("app", "first-app")]);
    world.dies_everywhere(&single).await;
    let two = [("left", "first-left"), ("right", "first-right")];
    world.dies_everywhere(&Case::rds("double", "rm-pg", "DoubleUsers", &two)).await;

    // The second account is made by the first rotation.
    world
        .first_dies_everywhere(async |number| {
            let mut admin = connect(&url).await;
            let name = format!("g{number}");
            run(&mut admin, &format!("CREATE ROLE {name} LOGIN PASSWORD 'p'; GRANT SELECT ON things TO {name}")).await;
            Case::rds(&name, "rm-pg", "DoubleUsers", &[(&name, "p")])
        })
        .await;
    // It has the privileges of the first, and what it makes belongs to both.
    run(&mut admin, "CREATE ROLE owner LOGIN PASSWORD 'p'; GRANT ALL ON SCHEMA public TO owner").await;
    let growing = Case::rds("growing", "rm-pg", "DoubleUsers", &[("owner", "p")]);
    world.create(&growing).await.unwrap();
    world.rotate(&growing, "v1").await;
    let (_, value) = world.value(&growing, "ACSCurrent").await.unwrap();
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    assert_eq!(value["AccountName"], "owner_clone");
    let login = format!("owner_clone:{}", value["AccountPassword"].as_str().unwrap());
    let mut clone = connect(&url.replace(&format!("{user}:{password}"), &login)).await;
    run(&mut clone, "CREATE TABLE made (n INTEGER)").await;
    let owner = admin.fetch_one("SELECT tableowner FROM pg_tables WHERE tablename = 'made'").await.unwrap();
    assert_eq!(owner.get::<String, _>(0), "owner");

    world
        .making_dies_everywhere(|number| Case {
            name: format!("polar{number}"),
            kind: SecretType::PolarDb,
            config: json!({
                "SecretSubType": "DoubleUsers", "RegionId": "cn-hangzhou", "DBClusterId": "pc-pg",
                "DBType": "PostgreSQL", "AccountName": format!("polar{number}"),
                "CloneAccountName": format!("polar{number}_clone"), "AccountType": "Normal",
            }),
            data: "$Auto".to_owned(),
            overlaps: true,
        })
        .await;

    // A name is a name, whatever is in it; and a wrong first password is put right.
    run(&mut admin, r#"CREATE ROLE "o'n""e;--\" LOGIN PASSWORD 'p'"#).await;
    let odd = Case::rds("odd", "rm-pg", "SingleUser", &[("o'n\"e;--\\", "wrong")]);
    world.create(&odd).await.unwrap();
    world.rotate(&odd, "v1").await;

    // Nobody becomes an administrator through a secret.
    run(&mut admin, "CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'p'; CREATE ROLE maker CREATEROLE LOGIN PASSWORD 'p'")
        .await;
    for name in ["boss", "maker", user.as_str()] {
        let case = Case::rds(&format!("of-{name}"), "rm-pg", "SingleUser", &[(name, "p")]);
        world.create(&case).await.unwrap();
        world.ask(&case, "v1").await;
        world.round().await;
        let failures = world.failures(&case);
        assert!(failures.len() == 1 && failures[0].starts_with("account: "), "{name}: {failures:?}");
        assert_eq!(world.value(&case, "ACSCurrent").await.unwrap().0, "v0");
    }

    // A statement that is refused holds no password either.
    run(&mut admin, "ALTER ROLE app CONNECTION LIMIT 0").await;
    world.ask(&single, "limited").await;
    world.round().await;
    let failures = world.failures(&single);
    assert!(failures.len() == 1 && failures[0].starts_with("login: "), "{failures:?}");
    run(&mut admin, "ALTER ROLE app CONNECTION LIMIT -1").await;
    let (_, value) = world.value(&single, "ACSCurrent").await.unwrap();
    assert!(world.opens(&single, &value).await, "what the secret holds was set again");
    world.kms.clock.advance_seconds(3_600);
    world.round().await;
    assert_eq!(world.value(&single, "ACSCurrent").await.unwrap().0, "limited");

    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("ALTER ROLE \"app\" LOGIN PASSWORD 'SCRAM-SHA-256$4096:"), "statements are logged");
    world.assert_nothing_in(&log);
}

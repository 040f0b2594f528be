use std::path::Path;
use std::process::Command;

use serde_json::json;
use sesame_domain::secret::SecretType;
use sesame_rotate::Kind;
use sesame_testkit::TestKms;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

use crate::servers::{Server, installed, is_root, succeed};
use crate::world::{Case, World, instance};

fn daemon(folder: &Path, port: u16) -> Command {
    let mut command = Command::new("/usr/sbin/mariadbd");
    command.arg("--no-defaults").arg(format!("--datadir={}/data", folder.display())).arg(format!("--port={port}"));
    command.args(["--bind-address=127.0.0.1", "--general-log=1", "--innodb-flush-log-at-trx-commit=0"]);
    command.arg(format!("--socket={}/socket", folder.display()));
    command.arg(format!("--pid-file={}/pid", folder.display()));
    command.arg(format!("--general-log-file={}/general.log", folder.display()));
    if is_root() {
        command.arg("--user=root");
    }
    command
}

fn start() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut install = Command::new("mariadb-install-db");
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
    install.arg(format!("--datadir={}/data", folder.path().display()));
    if is_root() {
        install.arg("--user=root");
    }
    succeed(&mut install);
    Server::start(folder, daemon)
}

async fn root(server: &Server) -> MySqlConnection {
    let options = MySqlConnectOptions::new().socket(server.folder.path().join("socket")).username("root");
    options.connect().await.unwrap()
}

async fn run(connection: &mut MySqlConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_of_mariadb() {
    if !installed(&["mariadb-install-db", "/usr/sbin/mariadbd"]) {
        return;
    }
    let server = start();
    let mut admin = root(&server).await;
    run(&mut admin, "CREATE USER keeper@'%' IDENTIFIED BY 'keepers-own'; GRANT ALL ON *.* TO keeper@'%' WITH GRANT OPTION; CREATE DATABASE app").await;
    run(&mut admin, "CREATE USER app@'%' IDENTIFIED BY 'first-app', app@'localhost' IDENTIFIED BY 'first-app'").await;
    run(&mut admin, "CREATE USER one@'%' IDENTIFIED BY 'first-one', two@'%' IDENTIFIED BY 'first-two'").await;
    let instances = ["rm-my", "pc-my"].map(|id| (id, instance(Kind::MySql, server.port, Some("db/admin"))));
    let world = World::new(TestKms::new().await, instances.into()).await;
    world.administrator("db/admin", &json!({"AccountName": "keeper", "AccountPassword": "keepers-own"})).await;
    world.dies_everywhere(&Case::rds("single", "rm-my", "SingleUser", &[("app", "first-app")])).await;
    let two = [("one", "first-one"), ("two", "first-two")];
    world.dies_everywhere(&Case::rds("double", "rm-my", "DoubleUsers", &two)).await;

    // The second account is made by the first rotation, with the privileges of the first.
    world
        .first_dies_everywhere(async |number| {
            let (mut admin, name) = (root(&server).await, format!("g{number}"));
            run(
                &mut admin,
                &format!("CREATE USER {name}@'%' IDENTIFIED BY 'p'; GRANT SELECT, INSERT ON app.* TO {name}@'%'"),
            )
            .await;
            Case::rds(&name, "rm-my", "DoubleUsers", &[(&name, "p")])
        })
        .await;
    let clones = admin.fetch_all("SELECT User FROM mysql.user WHERE User LIKE 'g%\\_clone'").await.unwrap();
    assert!(clones.len() > 6);
    for clone in clones {
        let name: String = clone.get(0);
        let grants = admin.fetch_all(AssertSqlSafe(format!("SHOW GRANTS FOR {name}@'%'"))).await.unwrap();
        let grants: Vec<String> = grants.iter().map(|row| row.get(0)).collect();
        assert!(
            grants.iter().any(|grant| grant.starts_with("GRANT SELECT, INSERT ON `app`.* TO")),
            "{name}: {grants:?}"
        );
    }

    let polar = |number: usize| Case {
        name: format!("polar{number}"),
        kind: SecretType::PolarDb,
        config: json!({
            "SecretSubType": "DoubleUsers", "RegionId": "cn-hangzhou", "DBClusterId": "pc-my", "DBType": "MySQL",
            "AccountName": format!("polar{number}"), "CloneAccountName": format!("polar{number}_clone"),
            "AccountType": "Normal", "AccountPrivilege": "ReadOnly", "DBName": "app",
        }),
        data: "$Auto".to_owned(),
        overlaps: true,
    };
    world.making_dies_everywhere(polar).await;
    world.rotate(&polar(0), "v1").await;
    for name in ["polar0", "polar0_clone"] {
        let grants = admin.fetch_all(AssertSqlSafe(format!("SHOW GRANTS FOR {name}@'%'"))).await.unwrap();
        let grants: Vec<String> = grants.iter().map(|row| row.get(0)).collect();
        assert!(
            grants.iter().any(|grant| grant.starts_with("GRANT SELECT, LOCK TABLES, SHOW VIEW ON `app`.*")),
            "{name}: {grants:?}"
        );
    }

    // A name is a name, whatever is in it; and a wrong first password is put right.
    run(&mut admin, r"SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE USER 'o''n`e;--\'@'%' IDENTIFIED BY 'p'")
        .await;
    let odd = Case::rds("odd", "rm-my", "SingleUser", &[("o'n`e;--\\", "wrong")]);
    world.create(&odd).await.unwrap();
    world.rotate(&odd, "v1").await;

    // Nobody becomes an administrator through a secret, and other plug-ins are left alone.
    run(&mut admin, "INSTALL SONAME 'auth_ed25519'; CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('p')")
        .await;
    run(&mut admin, "CREATE USER boss@'%' IDENTIFIED BY 'p'; GRANT ALL ON *.* TO boss@'%'").await;
    run(&mut admin, "CREATE USER clerk@'%' IDENTIFIED BY 'p'; GRANT ALL ON mysql.* TO clerk@'%'").await;
    for name in ["boss", "clerk", "keeper", "root", "ed"] {
        let case = Case::rds(&format!("of-{name}"), "rm-my", "SingleUser", &[(name, "p")]);
        world.create(&case).await.unwrap();
        world.ask(&case, "v1").await;
        world.round().await;
        let failures = world.failures(&case);
        assert!(failures.len() == 1 && failures[0].starts_with("account: "), "{name}: {failures:?}");
        assert_eq!(world.value(&case, "ACSCurrent").await.unwrap().0, "v0");
    }

    let log = String::from_utf8_lossy(&std::fs::read(server.folder.path().join("general.log")).unwrap()).into_owned();
    assert!(log.contains("ALTER USER 'app'@'%' IDENTIFIED WITH mysql_native_password AS '*"), "statements are logged");
    world.assert_nothing_in(&log);
}

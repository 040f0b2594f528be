use std::time::Duration;

use serde_json::json;
use sesame_rotate::Kind;
use sesame_service::Limits;
use sesame_testkit::TestKms;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::postgres::{connect, parts, url};
use crate::world::{Case, Dying, World, instance, node};

/// Three nodes over one PostgreSQL share the rotations of accounts of that same server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_node_rotates() {
    let (Some(url), Some(kms)) = (url(), TestKms::on_postgres(Limits::default()).await) else { return };
    let (user, password, port) = parts(&url);
    let mut admin = connect(&url).await;
    let world = World::new(kms, vec![("rm-1", instance(Kind::Postgres, port, Some("admin")))]).await;
    world.administrator("admin", &json!({"AccountName": user, "AccountPassword": password})).await;
    let cases: Vec<Case> = (0..30)
        .map(|at| Case::rds(&format!("node{at}"), "rm-1", "SingleUser", &[(&format!("node{at}"), "p")]))
        .collect();
    for case in &cases {
        admin.execute(AssertSqlSafe(format!("CREATE ROLE {} LOGIN PASSWORD 'p'", case.name))).await.unwrap();
        world.create(case).await.unwrap();
        world.ask(case, "v1").await;
    }
    let counted = Dying::new(&world.systems);
    let (two, three) = (world.kms.another_server().await, world.kms.another_server().await);
    let nodes = [&world.kms, &two, &three].map(|kms| node(&kms.service, &counted));
    tokio::join!(nodes[0].round(), nodes[1].round(), nodes[2].round());
    for case in &cases {
        assert_eq!(counted.sets.lock().get(&case.name), Some(&1), "{}", case.name);
        // Another node may have rotated it; this one hears of that with the next look at the changes.
        let heard = async || loop {
            let (version, value) = world.value(case, "ACSCurrent").await.unwrap();
            if version == "v1" {
                break value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let value = tokio::time::timeout(Duration::from_secs(30), heard()).await.unwrap();
        assert!(world.opens(case, &value).await, "{}", case.name);
    }
}

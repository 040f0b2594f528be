//! One suite for both engines.
//!
//! PostgreSQL is found through `SESAME_TEST_POSTGRES_URL`, the URL of a superuser; each test makes a database of its
//! own and drops it. Without that variable these tests say so and pass, except where `CI` is `true`.

mod accounts;
mod aliases;
mod audit;
mod barrier;
mod bed;
mod keys;
mod managed_data_keys;
mod material;
mod oidc_providers;
mod postgres;
mod ram;
mod ram_policies;
mod ram_roles;
mod secret_lists;
mod secrets;
mod sqlite;
mod tags;
mod writes;

use bed::Bed;

/// `on_both_engines! { name(bed) { … } }`: one test per engine.
macro_rules! on_both_engines {
    ($($name:ident($bed:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn body($bed: $crate::conformance::Bed) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::conformance::bed::on_sqlite(body).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::conformance::bed::on_postgres(body).await;
            }
        }
    )+};
}
use on_both_engines;

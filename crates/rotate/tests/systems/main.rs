//! Rotation on real servers of Debian's packages, with the process dying at every step.
//!
//! PostgreSQL is found through `SESAME_TEST_SPARE_POSTGRES_URL`; the other servers are started here, each on a free port in
//! a temporary folder. What is not installed is left out loudly, and fails in CI.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that fails should stop, and one that is left out should say so"
)]

mod mariadb;
mod nodes;
mod openssh;
mod postgres;
mod redis;
mod servers;
mod world;

//! Databases on the PostgreSQL server that tests may use.

use std::process::Command;

use sesame_crypto::random::{SystemRandom, alphanumeric};

/// A database of its own, which disappears with this.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one on the server of `SESAME_TEST_POSTGRES_URL`, the URL of a superuser, with `psql`. Without that variable
    /// there is none, except where `CI` is `true`: there it has to be set.
    pub(crate) fn new() -> Option<Self> {
        let Some(server) = std::env::var("SESAME_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "SESAME_TEST_POSTGRES_URL is not set");
            eprintln!("SKIPPED: SESAME_TEST_POSTGRES_URL is not set, PostgreSQL is not tested");
            return None;
        };
        let name = format!("sesame_test_{}", alphanumeric(&SystemRandom, 12).expect("a name"));
        let database = Self { server, name };
        database.run(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    /// Its URL: that of the server with another path.
    pub(crate) fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let authority: Vec<_> = base.splitn(4, '/').take(3).collect();
        format!("{}/{}?{query}", authority.join("/"), self.name)
    }

    fn run(&self, sql: &str) {
        let call = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &self.server, "--command", sql];
        let ended = Command::new("psql").args(call).status().expect("psql, of PostgreSQL's client programs");
        assert!(ended.success(), "{sql}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed leaves it behind, to be looked at.
        if !std::thread::panicking() {
            self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

//! The `openssl` program, an independent implementation to try round trips with.
//!
//! Without the program a test passes by doing nothing, except where the variable `CI` is `true`: there it fails.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::process::Command;

use tempfile::TempDir;

/// A folder for the files of one test.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the openssl program is missing");
            return None;
        }
        Some(Self(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    /// Runs `openssl` with the words of `line`; whether it succeeded.
    pub(crate) fn succeeds(&self, line: &str) -> bool {
        Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap()
            .status
            .success()
    }

    pub(crate) fn run(&self, line: &str) {
        assert!(self.succeeds(line), "openssl {line}");
    }
}

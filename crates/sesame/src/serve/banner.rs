//! What a person who starts the server reads.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Result;
use sesame_domain::AccountId;

use super::listeners::Endpoints;
use crate::config::{Config, DEFAULT_DATA};
use crate::credentials::{Credentials, quoted};
use crate::data_folder::{CREDENTIALS, DataFolder};

/// The lines that are printed once the server is ready. The secret is not among them: it stays in its file, while
/// what is printed often ends up in logs.
pub(super) fn text(
    config: &Config,
    folder: &DataFolder,
    account: &AccountId,
    credentials: Option<&Credentials>,
    endpoints: &Endpoints,
    ca: Option<&Path>,
) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!("Sesame {version} serves region {} for account {account}\n", config.settings.region);
    for url in [&endpoints.http, &endpoints.https].into_iter().flatten() {
        let _ = writeln!(out, "  {url}");
    }
    if let Some(ca) = ca {
        let _ = writeln!(out, "CA:           {}", ca.display());
    }
    match credentials {
        Some(credentials) => {
            let file = folder.file(CREDENTIALS);
            let _ = writeln!(out, "Credentials:  {} (access key {})", file.display(), credentials.access_key_id);
            let data = if folder.path() == Path::new(DEFAULT_DATA) {
                String::new()
            } else {
                format!(" --data {}", quoted(&folder.path().to_string_lossy()))
            };
            let _ = writeln!(out, "First call:   sesame call CreateKey{data}");
        }
        None => {
            let _ = writeln!(out, "Credentials:  kept by whoever made the first access key of this database");
        }
    }
    out
}

/// Prints to the standard output. That nobody reads it is no reason not to serve.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(refused) if refused.kind() != ErrorKind::BrokenPipe => Err(refused.into()),
        _ => Ok(()),
    }
}

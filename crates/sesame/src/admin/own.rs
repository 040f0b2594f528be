//! The database, opened by a subcommand while no server runs.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use super::Desk;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::serve::{self, Opened};

/// The open database of a data folder that this process holds.
pub(super) struct Own {
    desk: Desk,
    opened: Opened,
}

impl Own {
    /// Opens what a server has made; makes nothing itself.
    pub(super) async fn open(config: Config) -> Result<Self> {
        check(&config)?;
        let folder = Arc::new(DataFolder::open(&config.settings.data)?);
        let opened = serve::open(&config).await?;
        if let Some(cause) = &opened.unrecorded {
            eprint(&format!("sesame: what is done now is NOT recorded in the audit trail: {cause}\n"));
        }
        let desk = Desk::new(&config, Arc::clone(&opened.service), folder);
        Ok(Self { desk, opened })
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(super) async fn close(self) {
        self.opened.close().await;
    }
}

/// A typing error in the name of a folder must not make a database, and root must not leave files that the user of the
/// server cannot open.
fn check(config: &Config) -> Result<()> {
    let data = &config.settings.data;
    let none = || {
        format!(
            "there is no data folder {}; name that of your server with --data, or start one with sesame serve",
            data.display()
        )
    };
    let owner = std::fs::metadata(data).with_context(none)?.uid();
    let me = nix::unistd::geteuid();
    if me.is_root() && owner != 0 {
        bail!(
            "no server runs on {}, which belongs to the user id {owner}; run this as that user, so that the files it \
             writes can be read by the server",
            data.display()
        );
    }
    let root_key = config.path(&config.settings.seal_path);
    if !root_key.exists() {
        bail!("no server has been started on {} yet: {} is not there", data.display(), root_key.display());
    }
    let url = config.storage_url()?;
    let database = url.expose().strip_prefix("sqlite://").map(Path::new);
    if let Some(database) = database.filter(|database| !database.exists()) {
        bail!(
            "the database {} is not there; when the server has another one, say so with --config, with --set \
             storage.url_file=FILE or in the environment, as you do for the server",
            database.display()
        );
    }
    Ok(())
}

fn eprint(text: &str) {
    // The standard error may be closed; what was asked for is still done.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

//! The way of every subcommand that works on a deployment from the server's machine: the running server is asked
//! through a socket in its data folder; when no server runs, the subcommand opens the database itself.

mod desk;
mod own;
mod protocol;
pub(crate) mod socket;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sesame_service::admin::{AdminAnswer, AdminRequest};
use tokio::net::UnixStream;

use crate::cli::PlaceArguments;
use crate::config::Config;
use crate::failure::Failure;
use crate::serve;
pub(crate) use desk::Desk;
use own::Own;

/// The socket of the running server, in its data folder.
pub(crate) const SOCKET: &str = "admin.sock";

/// Takes requests to whoever has the database.
pub(crate) struct Admin {
    data: PathBuf,
    way: Way,
}

enum Way {
    Server(PathBuf),
    Own(Own),
}

impl Admin {
    /// Finds the running server of a data folder, or opens the database.
    async fn open(place: &PlaceArguments) -> Result<Self> {
        let config = serve::load(place.sources())?;
        let data = config.settings.data.clone();
        let socket = data.join(SOCKET);
        let way = match UnixStream::connect(&socket).await {
            Ok(_) => Way::Server(socket),
            Err(refused) if refused.kind() == ErrorKind::PermissionDenied => {
                bail!("{} belongs to another user; run this as the user of the server, or as root", socket.display())
            }
            // No server, one that was killed, or one that could not make a socket here; the lock of the folder tells.
            Err(_) => Way::Own(Own::open(config).await?),
        };
        Ok(Self { data, way })
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Asks for one thing.
    pub(crate) async fn ask(&self, request: &AdminRequest) -> Result<AdminAnswer, Failure> {
        let answered = match &self.way {
            Way::Server(socket) => protocol::ask(socket, request)
                .await
                .with_context(|| format!("the server does not answer on {}", socket.display()))?,
            Way::Own(own) => own.desk().handle(nix::unistd::getuid().as_raw(), request).await,
        };
        answered.map_err(Failure::Refused)
    }

    async fn close(self) {
        if let Way::Own(own) = self.way {
            own.close().await;
        }
    }
}

/// Runs the work of a subcommand.
pub(crate) fn run<T>(
    place: &PlaceArguments,
    work: impl AsyncFnOnce(&Admin) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the subcommand cannot be started")?;
    runtime.block_on(async {
        let admin = Admin::open(place).await?;
        let done = work(&admin).await;
        admin.close().await;
        done
    })
}

/// An answer of another kind than the request has.
pub(crate) fn unexpected() -> Failure {
    Failure::Setup(anyhow::anyhow!("the server answered something else than was asked; is it of the same version?"))
}

/// What [`Desk`] and [`Own`] take from the configuration.
fn fixed_key(config: &Config) -> Option<String> {
    config.settings.root_access_key_id.clone()
}

//! The socket of the running server, on which its operator asks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use sesame_service::admin::{AdminAnswer, Refusal, RefusalCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::{Desk, SOCKET, protocol};
use crate::data_folder::{DataFolder, PRIVATE};

/// Operators that are heard at a time; further ones wait.
const CONVERSATIONS: usize = 16;
/// How long an operator may take for a request, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an orderly stop waits for answers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// The open socket.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    stop: oneshot::Sender<()>,
    listening: JoinHandle<()>,
}

impl AdminSocket {
    /// Opens the socket in the data folder. A file system that has none is no reason not to serve: subcommands then need
    /// the server to be stopped.
    pub(crate) fn open(folder: &DataFolder, desk: Desk) -> Option<Self> {
        match bind(folder) {
            Ok(listener) => {
                let (stop, stopping) = oneshot::channel();
                Some(Self { stop, listening: tokio::spawn(listen(listener, desk, stopping)) })
            }
            Err(cause) => {
                let cause = format!("{cause:#}");
                tracing::warn!(cause, "subcommands cannot ask this server; they will need it to be stopped");
                None
            }
        }
    }

    /// Takes no further requests, and waits for the answers to those that are there.
    pub(crate) async fn close(self, folder: &DataFolder) {
        // It has ended already when nobody receives this.
        let _ = self.stop.send(());
        if self.listening.await.is_err() {
            tracing::warn!("the socket for subcommands ended before its time");
        }
        if let Err(cause) = folder.remove(SOCKET) {
            tracing::warn!(%cause, "the socket for subcommands is closed but still there");
        }
    }
}

fn bind(folder: &DataFolder) -> Result<UnixListener> {
    // What lies there is left from a server that was killed: the lock of the folder is held.
    folder.remove(SOCKET)?;
    let path = folder.file(SOCKET);
    let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
    // The umask has kept others out so far.
    fs::set_permissions(&path, Permissions::from_mode(PRIVATE))?;
    Ok(listener)
}

async fn listen(listener: UnixListener, desk: Desk, mut stopping: oneshot::Receiver<()>) {
    let mut conversations = JoinSet::new();
    loop {
        let is_full = conversations.len() >= CONVERSATIONS;
        tokio::select! {
            _ = &mut stopping => break,
            Some(_) = conversations.join_next() => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, _)) => drop(conversations.spawn(converse(stream, desk.clone()))),
                Err(cause) => {
                    tracing::warn!(%cause, "a subcommand could not be heard");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all = async { while conversations.join_next().await.is_some() {} };
    if timeout(LAST_ANSWERS, all).await.is_err() {
        tracing::warn!("a subcommand did not get its answer before the stop");
    }
}

async fn converse(mut stream: UnixStream, desk: Desk) {
    let Ok(read) = timeout(PATIENCE, hear(&mut stream)).await else { return };
    let outcome = match read {
        Ok(Heard { uid, request }) => desk.handle(uid, &request).await,
        Err(refusal) => Err(refusal),
    };
    // Whoever does not take the answer does without; what was done is in the audit trail.
    let _ = timeout(PATIENCE, answer(&mut stream, outcome)).await;
}

/// A request and who sent it.
struct Heard {
    uid: u32,
    request: sesame_service::admin::AdminRequest,
}

async fn hear(stream: &mut UnixStream) -> Result<Heard, Refusal> {
    let refused = |cause: std::io::Error| Refusal::new(RefusalCode::Invalid, format!("no request: {cause}"));
    // Read first, whoever it is: a connection that is closed before would break under the hands of who is writing.
    let line = protocol::read_line(stream, protocol::REQUEST_BYTES).await.map_err(refused)?;
    // The kernel says who connected; the mode of the socket has kept everybody else out before.
    let uid = stream.peer_cred().map_err(refused)?.uid();
    let own = nix::unistd::geteuid();
    if uid != own.as_raw() && uid != 0 {
        tracing::warn!(uid, "a user of this machine may not ask this server");
        let text = format!("the user id {uid} may not ask this server; the user id {own} and root may");
        return Err(Refusal::new(RefusalCode::Refused, text));
    }
    Ok(Heard { uid, request: protocol::parse(&line)? })
}

async fn answer(stream: &mut UnixStream, outcome: Result<AdminAnswer, Refusal>) -> std::io::Result<()> {
    let line = protocol::render(outcome);
    // EXPOSE: whoever is on the other side was checked.
    stream.write_all(line.expose().as_bytes()).await?;
    stream.shutdown().await
}

//! Servers of Debian's packages in temporary folders.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START: Duration = Duration::from_secs(60);

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether these programs are installed, by name or by path; in CI they must be.
pub(crate) fn installed(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let Some(missing) = programs.iter().find(|program| !is_there(program)) else { return true };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing} is not installed");
    eprintln!("SKIPPED: {missing} is not installed, rotation on it is not tested");
    false
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    succeed(Command::new("id").arg("-u")).trim() == "0"
}

/// Runs a command that must succeed; what it wrote.
pub(crate) fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// A running server; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Server {
    /// Starts what `command` makes of a folder and a port, and waits until the port is open.
    pub(crate) fn start(folder: TempDir, command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let port = free_port();
        let child = spawn(&mut command(folder.path(), port), folder.path());
        let mut server = Self { folder, port, child };
        server.wait();
        server
    }

    /// Ends it at once, and starts another command in its place.
    pub(crate) fn restart(&mut self, command: impl FnOnce(&Path, u16) -> Command) {
        self.stop();
        self.child = spawn(&mut command(self.folder.path(), self.port), self.folder.path());
        self.wait();
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it wrote to its standard output and error.
    pub(crate) fn log(&self) -> String {
        let read = |name| fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&[read("out"), read("err")].concat()).into_owned()
    }

    fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && began.elapsed() < START, "the server does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(command: &mut Command, folder: &Path) -> Child {
    let file = |name| fs::OpenOptions::new().create(true).append(true).open(folder.join(name)).unwrap();
    command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err")).spawn().unwrap()
}

//! A server of one's own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const START: Duration = Duration::from_secs(30);

/// The program, in an environment without settings of ours or keys of a cloud.
pub(crate) fn sesame() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sesame"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("SESAME_") || name.starts_with("ALIBABA_CLOUD_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    sesame().args(arguments).output().unwrap()
}

/// What a run printed, both streams.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) data: PathBuf,
    pub(crate) endpoints: Value,
}

impl Server {
    /// `serve` on free ports of a data folder, not started yet.
    pub(crate) fn command(data: &Path) -> Command {
        let mut command = sesame();
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .env("SESAME_HTTP", "127.0.0.1:0")
            .env("SESAME_HTTPS", "127.0.0.1:0");
        command
    }

    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(Self::command(data), data)
    }

    /// Starts a command and waits until the addresses are written down.
    pub(crate) fn start_with(mut command: Command, data: &Path) -> Self {
        let log = log_of(data);
        let stdout = File::create(log.with_extension("out")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut server = Self { child, data: data.to_owned(), endpoints: Value::Null };
        let file = data.join("endpoints.json");
        let began = Instant::now();
        loop {
            // The file of a server that was killed is removed by the next before it writes its own; ours names us by
            // accepting a connection.
            if let Some(found) = fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok())
                && server.is_serving(&found)
            {
                server.endpoints = found;
                return server;
            }
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", server.log());
            }
            assert!(began.elapsed() < START, "the server is not ready: {}", server.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_serving(&self, endpoints: &Value) -> bool {
        let lock = fs::read_to_string(self.data.join("lock")).unwrap_or_default();
        let url = ["http", "https"].iter().find_map(|scheme| endpoints[scheme].as_str());
        let authority = url.and_then(|url| url.split_once("://")).map_or("", |(_, authority)| authority);
        lock == self.child.id().to_string() && std::net::TcpStream::connect(authority).is_ok()
    }

    /// `host:port` of the listener without TLS.
    pub(crate) fn http(&self) -> &str {
        self.endpoints["http"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_of(&self.data)).unwrap_or_default()
    }

    /// What was printed on the standard output.
    pub(crate) fn banner(&self) -> String {
        fs::read_to_string(log_of(&self.data).with_extension("out")).unwrap_or_default()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM, and the status it ends with.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `sesame call` against this server.
    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        sesame().args(["call", "--data"]).arg(&self.data).args(arguments).output().unwrap()
    }

    /// The answer of a call that succeeds.
    pub(crate) fn answer(&self, arguments: &[&str]) -> Value {
        let output = self.call(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_of(data: &Path) -> PathBuf {
    data.with_file_name("server.log")
}

/// The variables of a file that a shell sources.
pub(crate) fn sourced(file: &Path) -> Vec<String> {
    let script = "set -a; . \"$0\"; printf '%s\\n' \"$ALIBABA_CLOUD_ACCESS_KEY_ID\" \"$ALIBABA_CLOUD_ACCESS_KEY_SECRET\" \"$SESAME_ENDPOINT\"";
    let output = Command::new("sh").args(["-c", script]).arg(file).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A self-hosted Key Management Service that speaks the Alibaba Cloud KMS API.
#[derive(Debug, Parser)]
#[command(name = "sesame", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(Box<ServeArguments>),
    /// Sign and send one operation: sesame call Encrypt --KeyId alias/app --Plaintext aGk=
    Call(CallArguments),
    /// Make a managed data key, or a new version of one. On SQLite the server must not be running.
    DataKey(Box<DataKeyArguments>),
    /// Verify, export or search the audit trail.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the version.
    Version,
    /// Explain an operation or a subcommand: sesame help Encrypt
    Help {
        /// The name of an operation or of a subcommand; without it, everything is listed.
        topic: Option<String>,
    },
    /// Print a script that makes a shell complete subcommands, operations and parameters.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Prove that the audit trail is whole, or name the first record that is broken. The server may be running.
    Verify {
        #[command(flatten)]
        trail: TrailArguments,
        /// The public key to check signatures with, in PEM form [default: the one in the folder].
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// A record that must be there, as an earlier verification printed it.
        #[arg(long, value_name = "NUMBER:HASH")]
        known: Option<String>,
    },
    /// Print events as lines of JSON.
    Export {
        #[command(flatten)]
        trail: TrailArguments,
        /// The first moment, such as 2026-01-02T03:04:05Z.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// The moment to stop before.
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// Only events with this value of a member, such as eventName=Decrypt or userIdentity.accessKeyId=LTAI…; may be
        /// repeated, and all must hold.
        #[arg(long = "where", value_name = "MEMBER=VALUE")]
        conditions: Vec<String>,
    },
    /// Print the events in which a masked value occurs. The value is read from a file, or from the standard input, as
    /// it was sent: Base64 where the API has Base64.
    FindValue {
        #[command(flatten)]
        trail: TrailArguments,
        /// The file that holds the value; - is the standard input.
        file: PathBuf,
        /// The root key, when it is not root.key in the data folder.
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct TrailArguments {
    /// The data folder [default: sesame-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of the audit trail, when it is not audit in the data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DataKeyArguments {
    /// The name of the data key: letters, digits and _/+=.@-
    pub(crate) name: String,
    /// The account that owns it [default: the first].
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// How the server is started, to find its database.
    #[command(flatten)]
    pub(crate) server: ServeArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// The data folder [default: sesame-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// The configuration file [default: sesame.toml in the data folder, when it is there].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where plain HTTP is served, or "off" [default: 127.0.0.1:8600].
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
    /// Where HTTPS is served, or "off" [default: 127.0.0.1:8643].
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) https: Option<String>,
    /// Allow plain HTTP on an address that other machines reach: plaintexts and secret values travel in clear.
    #[arg(long)]
    pub(crate) http_anywhere: bool,
    /// The region that this deployment is [default: cn-hangzhou].
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Whether log lines are text or json [default: text].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// The least important log line: error, warn, info, debug or trace [default: info].
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// Any other setting, by its name in the configuration file; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Print the effective configuration, secrets masked, with where each value came from, and end.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Print a configuration file with every setting explained, and end.
    #[arg(long, conflicts_with = "print_config")]
    pub(crate) print_sample_config: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Parameters of the operation follow its name as --Name value. A value @FILE is read from a file \
    (@- from the standard input), @base64:FILE as well and then Base64-encoded; @@ stands for one @ at the start. \
    Lists are repeated (--ResourceId a --ResourceId b, --Tag key=value) or numbered (--ResourceId.1 a). \
    sesame help OPERATION lists the parameters."
)]
pub(crate) struct CallArguments {
    /// The operation.
    pub(crate) operation: String,
    #[command(flatten)]
    pub(crate) flags: CallFlags,
}

#[derive(Args, Debug)]
pub(crate) struct CallFlags {
    /// The server, such as http://127.0.0.1:8600 [default: SESAME_ENDPOINT, or the server of the data folder].
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The data folder of a server on this machine [default: sesame-data]. When given, it decides over the environment.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The access key id [default: ALIBABA_CLOUD_ACCESS_KEY_ID, or the one of the data folder].
    #[arg(long, value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    /// A file with the secret of the access key [default: ALIBABA_CLOUD_ACCESS_KEY_SECRET, or the data folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) access_key_secret_file: Option<PathBuf>,
    /// The region, for operations that have a RegionId [default: ALIBABA_CLOUD_REGION_ID, or that of the data folder].
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The CA that the server's certificate must come from [default: SESAME_CA, or the data folder and the system].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) output: OutputFormat,
    /// How long to wait for the answer.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Send the request even when the operation or a parameter is unknown or missing.
    #[arg(long)]
    pub(crate) force: bool,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Json,
    Table,
}

impl ServeArguments {
    /// The settings given as flags: setting, flag, text.
    pub(crate) fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let texts = [
            ("data", "--data", &self.data),
            ("http", "--http", &self.http),
            ("https", "--https", &self.https),
            ("region", "--region", &self.region),
            ("log.format", "--log-format", &self.log_format),
            ("log.level", "--log-level", &self.log_level),
        ];
        let given = texts.into_iter().filter_map(|(key, flag, text)| text.clone().map(|text| (key, flag, text)));
        let switch = self.http_anywhere.then(|| ("http_anywhere", "--http-anywhere", "true".to_owned()));
        given.chain(switch).collect()
    }
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Sources;

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
    /// Make accounts, disable them, and change the access keys of accounts themselves. The server may be running.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Say whether a request would be allowed, and which statements of which policies decide. Status 3 is "denied".
    Explain(Box<ExplainArguments>),
    /// Make a managed data key, or a new version of one. The server may be running.
    DataKey(Box<DataKeyArguments>),
    /// Verify, export or search the audit trail.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the version.
    Version,
    /// Explain an operation or a subcommand: sesame help Encrypt
    Help {
        /// The name of an operation or of a subcommand; without it, everything is listed.
        topic: Vec<String>,
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
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
}

/// Where the server is, for subcommands that work on its deployment.
#[derive(Args, Debug)]
pub(crate) struct PlaceArguments {
    /// The data folder of the server [default: sesame-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// The configuration file of the server [default: sesame.toml in the data folder, when it is there].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A setting of the server, by its name in the configuration file; may be repeated. Needed only while no server
    /// runs, to find its database.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) sets: Vec<String>,
}

/// How a subcommand prints what it has to say.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct SayArguments {
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: SayFormat,
}

/// How a subcommand prints what it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SayFormat {
    Text,
    Json,
}

/// What every subcommand of `account` takes.
#[derive(Args, Debug)]
pub(crate) struct AccountFlags {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    #[command(flatten)]
    pub(crate) say: SayArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account with an access key of its own. The secret of the key is shown once, or written to a file.
    Create {
        /// What to call it; more than one account may be called the same.
        #[arg(long, value_name = "NAME", default_value = "")]
        name: String,
        /// The id, 16 digits [default: drawn].
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Write the access key to this new file, which only its owner can read, and print no secret.
        #[arg(long, value_name = "FILE")]
        credentials: Option<PathBuf>,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// List all accounts.
    List {
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Show an account and its own access keys, without their secrets.
    Show {
        /// The id of the account.
        account: String,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Refuse every request of an account, of its users and of its roles, from the next one on.
    Disable {
        /// The id of the account.
        account: String,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Let a disabled account be used again.
    Enable {
        /// The id of the account.
        account: String,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Give an account another name.
    Rename {
        /// The id of the account.
        account: String,
        /// The name.
        name: String,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Replace an access key of an account itself: a new one is made and shown, then the old one is deleted.
    RotateRootKey {
        /// The id of the account.
        account: String,
        /// The access key to replace [default: the one in the file of --credentials, or the only one].
        #[arg(long, value_name = "KEY")]
        old_key: Option<String>,
        /// Leave the old key active, to be deleted with delete-root-key once no client uses it any more.
        #[arg(long)]
        keep_old: bool,
        /// Write the access key to this file and print no secret. A file that is there has to hold the old key.
        #[arg(long, value_name = "FILE")]
        credentials: Option<PathBuf>,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Make a further access key of an account itself.
    CreateRootKey {
        /// The id of the account.
        account: String,
        /// Write the access key to this new file and print no secret.
        #[arg(long, value_name = "FILE")]
        credentials: Option<PathBuf>,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Refuse an access key of an account itself until it is enabled again, to see whether anybody still uses it.
    DisableRootKey {
        /// The id of the account.
        account: String,
        /// The access key.
        key: String,
        /// Also when no other access key of the account itself works: its users are enough.
        #[arg(long)]
        last: bool,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Let a disabled access key of an account itself be used again.
    EnableRootKey {
        /// The id of the account.
        account: String,
        /// The access key.
        key: String,
        #[command(flatten)]
        flags: AccountFlags,
    },
    /// Delete an access key of an account itself.
    DeleteRootKey {
        /// The id of the account.
        account: String,
        /// The access key.
        key: String,
        /// Also when no other access key of the account itself works: its users are enough.
        #[arg(long)]
        last: bool,
        #[command(flatten)]
        flags: AccountFlags,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// Who would ask: acs:ram::ACCOUNT:root, acs:ram::ACCOUNT:user/NAME, acs:ram::ACCOUNT:role/NAME or
    /// acs:ram::ACCOUNT:role/NAME/SESSION.
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
    /// What would be done, such as kms:Decrypt.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// On what: an ARN such as acs:kms:REGION:ACCOUNT:key/ID, or * for no resource.
    #[arg(long, value_name = "ARN")]
    pub(crate) resource: String,
    /// The address that the request would come from.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source_ip: Option<std::net::IpAddr>,
    /// Whether the request would come over TLS.
    #[arg(long, value_name = "BOOLEAN")]
    pub(crate) secure_transport: Option<bool>,
    /// When, such as 2026-01-02T03:04:05Z [default: now].
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
    /// A tag of the resource; may be repeated. Those given stand in the place of the tags that the resource has.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
    /// A tag that the request would set; may be repeated.
    #[arg(long = "request-tag", value_name = "KEY=VALUE")]
    pub(crate) request_tags: Vec<String>,
    /// Any other condition key, such as kms:EncryptionAlgorithm=SYMMETRIC_DEFAULT; may be repeated.
    #[arg(long = "context", value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    #[command(flatten)]
    pub(crate) say: SayArguments,
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

impl PlaceArguments {
    /// What the configuration is made from.
    pub(crate) fn sources(&self) -> Sources {
        let data = self.data.clone().map(|text| ("data", "--data", text));
        Sources {
            file: self.config.clone(),
            flags: data.into_iter().collect(),
            sets: self.sets.clone(),
            ..Sources::default()
        }
    }
}

impl ServeArguments {
    /// What the configuration is made from.
    pub(crate) fn sources(&self) -> Sources {
        Sources { file: self.config.clone(), flags: self.settings(), sets: self.sets.clone(), ..Sources::default() }
    }

    /// The settings given as flags: setting, flag, text.
    fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
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

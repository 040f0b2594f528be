//! Redis and its users.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError, Value, cmd};
use sesame_crypto::verifier;
use sesame_service::connector::{Change, Login, Outcome};
use sesame_service::rotator::{FailureReason, RotationFailure, RotationTarget};
use tokio::task::JoinSet;

use crate::{As, Instance, account, password, plain, refused, tls};

struct Session {
    connection: MultiplexedConnection,
    _driver: JoinSet<()>,
}

/// A user as the server knows it.
struct User {
    /// SHA-256, hexadecimal.
    passwords: Vec<String>,
    flags: Vec<String>,
    commands: String,
}

/// Where a server keeps its users over a restart.
#[derive(Clone, Copy)]
enum Kept {
    AclFile,
    Configuration,
}

async fn connect(instance: &Instance, login: &Login, who: As) -> Outcome<Session> {
    let stream = tls::connect(instance, who).await?;
    // EXPOSE: the driver sends the password to the server.
    let info = RedisConnectionInfo::default().set_username(&login.name).set_password(password(login)?.expose());
    let config = AsyncConnectionConfig::default();
    let connection = MultiplexedConnection::new_with_config(&info, stream, config).await;
    let (connection, driver) = connection.map_err(|error| match error.code() {
        Some(code) => who.refused(format_args!("the server answered {code}")),
        None => who.unreachable("the server gave no answer"),
    })?;
    let mut tasks = JoinSet::new();
    tasks.spawn(driver);
    Ok(Session { connection, _driver: tasks })
}

fn failed(doing: &str, error: &RedisError) -> RotationFailure {
    match error.code() {
        Some(code) => refused(format!("{doing}: the server answered {code}")),
        None => RotationFailure::new(FailureReason::Unreachable, format!("{doing}: the connection failed")),
    }
}

impl Session {
    async fn ask(&mut self, command: &Cmd, doing: &str) -> Outcome<Value> {
        command.query_async(&mut self.connection).await.map_err(|error| failed(doing, &error))
    }

    async fn user(&mut self, name: &str) -> Outcome<Option<User>> {
        let answer = self.ask(cmd("ACL").arg("GETUSER").arg(name), "looking for the account").await?;
        let members: Vec<(Value, Value)> = match answer {
            Value::Nil => return Ok(None),
            Value::Map(members) => members,
            Value::Array(list) => {
                let mut list = list.into_iter();
                std::iter::from_fn(|| list.next().zip(list.next())).collect()
            }
            _ => return Err(refused("looking for the account: the server answered in an unknown form")),
        };
        let mut user = User { passwords: Vec::new(), flags: Vec::new(), commands: String::new() };
        for (name, value) in &members {
            match (text(name).as_deref(), value) {
                (Some("passwords"), value) => user.passwords = texts(value),
                (Some("flags"), value) => user.flags = texts(value),
                (Some("commands"), value) => user.commands = text(value).unwrap_or_default(),
                _ => {}
            }
        }
        Ok(Some(user))
    }

    /// Keeps the users over a restart. A server that was not told where to keep them does not.
    async fn keep(&mut self) -> Outcome<Kept> {
        if self.keep_in(Kept::AclFile).await.is_ok() {
            return Ok(Kept::AclFile);
        }
        match self.keep_in(Kept::Configuration).await {
            Ok(()) => Ok(Kept::Configuration),
            Err(_) => Err(refused(
                "the server would forget the new password with its next restart: it has neither an ACL file (aclfile) nor a configuration file that it can write",
            )),
        }
    }

    async fn keep_in(&mut self, place: Kept) -> Outcome<()> {
        let mut command = match place {
            Kept::AclFile => cmd("ACL"),
            Kept::Configuration => cmd("CONFIG"),
        };
        command.arg(match place {
            Kept::AclFile => "SAVE",
            Kept::Configuration => "REWRITE",
        });
        self.ask(&command, "keeping the new password").await.map(drop)
    }

    /// Puts a user back as it was.
    async fn put_back(&mut self, name: &str, before: Option<&User>) -> Outcome<()> {
        let mut command = cmd("ACL");
        match before {
            None => _ = command.arg("DELUSER").arg(name),
            Some(user) => {
                command.arg("SETUSER").arg(name).arg("resetpass");
                for password in &user.passwords {
                    command.arg(format!("#{password}"));
                }
                let on = !user.flags.iter().any(|flag| flag == "off");
                command.arg(if on { "on" } else { "off" });
            }
        }
        self.ask(&command, "putting the account back").await.map(drop)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) | Value::Set(list) => list.iter().filter_map(text).collect(),
        _ => Vec::new(),
    }
}

impl User {
    /// Whether it could change other users: then its password is not for a secret to set.
    fn is_privileged(&self) -> bool {
        let mut privileged = false;
        for rule in self.commands.split_whitespace() {
            match rule {
                "+@all" | "+@admin" | "+@dangerous" | "+acl" | "+acl|setuser" | "+config" => privileged = true,
                "-@all" | "-@admin" => privileged = false,
                _ => {}
            }
        }
        privileged || self.flags.iter().any(|flag| flag == "nopass")
    }
}

pub(crate) async fn set(
    instance: &Instance,
    administrator: &Login,
    target: &RotationTarget,
    change: &Change<'_>,
) -> Outcome<()> {
    let name = plain(&change.login.name)?;
    if name == "default" || name.contains(' ') {
        return Err(account("the account cannot be the default one, or have a space in its name"));
    }
    let mut session = connect(instance, administrator, As::Administrator).await?;
    let before = session.user(name).await?;
    if before.as_ref().is_some_and(User::is_privileged) {
        return Err(account("the account may administer the server, or needs no password"));
    }
    // Before anything is changed: a password that would be lost with a restart is not set.
    let place = session.keep().await?;
    let mut command = cmd("ACL");
    command.arg("SETUSER").arg(name);
    if before.is_none() {
        for rule in rules(target.config.text("AccountPrivilege").unwrap_or_default())? {
            command.arg(*rule);
        }
    }
    // What the server keeps of a password: the password itself is not sent.
    command.arg("on").arg("resetpass").arg(format!("#{}", verifier::redis(password(change.login)?)));
    session.ask(&command, "setting the password").await?;
    if let Err(failure) = session.keep_in(place).await {
        session.put_back(name, before.as_ref()).await?;
        return Err(failure);
    }
    Ok(())
}

/// What the privileges of the original allow.
fn rules(privilege: &str) -> Outcome<&'static [&'static str]> {
    match privilege {
        "RoleReadOnly" => Ok(&["reset", "~*", "&*", "+@read", "+@connection", "+info", "-@dangerous", "-@admin"]),
        "RoleReadWrite" => Ok(&["reset", "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+keys"]),
        _ => Err(refused("AccountPrivilege must be RoleReadOnly or RoleReadWrite")),
    }
}

pub(crate) async fn prove(instance: &Instance, login: &Login) -> Outcome<()> {
    connect(instance, login, As::New).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_who_could_change_others_are_known() {
        let user = |commands: &str, flag: &str| User {
            passwords: Vec::new(),
            flags: vec![flag.to_owned()],
            commands: commands.to_owned(),
        };
        for (commands, flag) in [("+@all", "on"), ("-@all +acl|setuser", "on"), ("-@all +@read", "nopass")] {
            assert!(user(commands, flag).is_privileged(), "{commands}");
        }
        for commands in ["-@all +@read", "+@all -@admin -@dangerous +info"] {
            assert!(!user(commands, "on").is_privileged(), "{commands}");
        }
    }
}

//! MySQL and MariaDB.
//!
//! An account that logs in by `mysql_native_password` gets the hash that the server keeps. The plug-ins of MySQL 8
//! (`caching_sha2_password`) get the password in the statement: MySQL itself writes such statements into its logs
//! without it, which MariaDB does not.

use sesame_crypto::secret::SecretText;
use sesame_crypto::verifier::mysql_native;
use sesame_service::connector::{Change, Login, Outcome};
use sesame_service::rotator::RotationTarget;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::{As, Instance, Tls, account, password, quoted, refused, sql_refused};

/// From where a new account may log in when there is none to take after.
const ANYWHERE: &str = "%";
const NATIVE: &str = "mysql_native_password";

async fn connect(instance: &Instance, login: &Login, who: As) -> Outcome<MySqlConnection> {
    // EXPOSE: the driver proves the password to the server.
    let password = password(login)?.expose();
    let mut options = MySqlConnectOptions::new()
        .host(&instance.host)
        .port(instance.port)
        .username(&login.name)
        .password(password)
        // It would log statements that hold passwords.
        .disable_statement_logging();
    if !instance.database.is_empty() {
        options = options.database(&instance.database);
    }
    options = match &instance.tls {
        Tls::Verify(ca) => options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca_from_pem(ca.clone()),
        Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
    };
    who.log_in(options).await
}

/// A session of the administrator.
struct Session(MySqlConnection);

/// The same name at one host is an account of its own.
struct Account {
    host: String,
    plugin: String,
}

impl Session {
    async fn run(&mut self, sql: String, doing: &str) -> Outcome<()> {
        let sql = SecretText::new(sql);
        // EXPOSE: the statement goes to the server.
        let statement = AssertSqlSafe(sql.expose().to_owned());
        sqlx::raw_sql(statement).execute(&mut self.0).await.map(drop).map_err(|error| sql_refused(doing, &error))
    }

    async fn accounts(&mut self, name: &str) -> Outcome<Vec<Account>> {
        let failed = |error: sqlx::Error| sql_refused("looking for the account", &error);
        let sql = "SELECT CAST(Host AS CHAR), CAST(plugin AS CHAR) FROM mysql.user WHERE User = ?";
        let rows = sqlx::query(sql).bind(name).fetch_all(&mut self.0).await.map_err(failed)?;
        let read = |row: &MySqlRow| Ok(Account { host: row.try_get(0)?, plugin: row.try_get(1)? });
        rows.iter().map(|row| read(row).map_err(failed)).collect()
    }

    async fn is_mariadb(&mut self) -> Outcome<bool> {
        let version = sqlx::query_scalar::<_, String>("SELECT VERSION()").fetch_one(&mut self.0).await;
        Ok(version.map_err(|error| sql_refused("asking for the version", &error))?.contains("MariaDB"))
    }

    async fn grants(&mut self, name: &str, host: &str) -> Outcome<Vec<String>> {
        let failed = |error: sqlx::Error| sql_refused("reading the privileges", &error);
        let sql = format!("SHOW GRANTS FOR {name}@{}", quoted(host, '\'')?);
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.0).await.map_err(failed)?;
        rows.iter().map(|row: &MySqlRow| row.try_get::<String, _>(0).map_err(failed)).collect()
    }

    /// Whether an account could change other accounts: then its password is not for a secret to set.
    async fn is_privileged(&mut self, name: &str, host: &str) -> Outcome<bool> {
        const PRIVILEGES: [&str; 5] = ["ALL PRIVILEGES", "CREATE USER", "SUPER", "SYSTEM_USER", "SET USER"];
        let grants = self.grants(name, host).await?;
        let everywhere = grants.iter().filter_map(|grant| grant.split_once(" ON *.* "));
        let of_accounts = grants.iter().filter_map(|grant| grant.split_once(" ON `mysql`."));
        Ok(everywhere.into_iter().any(|(what, _)| PRIVILEGES.iter().any(|privilege| what.contains(privilege)))
            || of_accounts.into_iter().any(|(what, _)| what != "GRANT SELECT"))
    }

    /// Gives a new account what another one has at the same host.
    async fn copy_grants(&mut self, like: &str, host: &str, name: &str) -> Outcome<()> {
        let host_quoted = quoted(host, '\'')?;
        for grant in self.grants(&quoted(like, '\'')?, host).await? {
            // `GRANT … TO <account>` and, behind it, a hash of the password that must not be copied.
            let Some((what, rest)) = grant.rsplit_once(" TO ") else { continue };
            let option = if rest.ends_with("WITH GRANT OPTION") { " WITH GRANT OPTION" } else { "" };
            self.run(format!("{what} TO {name}@{host_quoted}{option}"), "copying the privileges").await?;
        }
        Ok(())
    }
}

/// How a statement says what an account of a plug-in logs in with.
fn identified(plugin: &str, password: &SecretText) -> Outcome<String> {
    match plugin {
        "" | NATIVE => Ok(format!("IDENTIFIED WITH {NATIVE} AS {}", quoted(&mysql_native(password), '\'')?)),
        // EXPOSE: these take nothing else; the text is quoted, and the session gives a backslash no meaning.
        "caching_sha2_password" | "sha256_password" => {
            Ok(format!("IDENTIFIED WITH {plugin} BY {}", quoted(password.expose(), '\'')?))
        }
        _ => Err(account("the account logs in by a plug-in whose passwords cannot be set from here")),
    }
}

pub(crate) async fn set(
    instance: &Instance,
    administrator: &Login,
    target: &RotationTarget,
    change: &Change<'_>,
) -> Outcome<()> {
    let new = password(change.login)?;
    let name = quoted(&change.login.name, '\'')?;
    let mut session = Session(connect(instance, administrator, As::Administrator).await?);
    let setup = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', lock_wait_timeout = 20";
    session.run(setup.to_owned(), "preparing the session").await?;
    let present = session.accounts(&change.login.name).await?;
    for one in &present {
        if session.is_privileged(&name, &one.host).await? {
            return Err(account("the account may administer other accounts"));
        }
        let (host, identified) = (quoted(&one.host, '\'')?, identified(&one.plugin, new)?);
        session.run(format!("ALTER USER {name}@{host} {identified}"), "setting the password").await?;
    }
    let like = match change.like {
        Some(like) => session.accounts(like).await?,
        None => Vec::new(),
    };
    let mut hosts: Vec<String> = present.into_iter().map(|one| one.host).collect();
    if hosts.is_empty() {
        let usual = if session.is_mariadb().await? { NATIVE } else { "caching_sha2_password" };
        let anywhere = [Account { host: ANYWHERE.to_owned(), plugin: usual.to_owned() }];
        for one in if like.is_empty() { &anywhere[..] } else { &like } {
            let (host, identified) = (quoted(&one.host, '\'')?, identified(&one.plugin, new)?);
            session.run(format!("CREATE USER IF NOT EXISTS {name}@{host} {identified}"), "making the account").await?;
            hosts.push(one.host.clone());
        }
    }
    // As long as the secret holds no login of the account it is a new one, also when an attempt ended between making
    // it and this; granting twice is the same as once.
    if change.current.is_none() {
        if let Some(first) = change.like {
            for one in like.iter().filter(|one| hosts.contains(&one.host)) {
                session.copy_grants(first, &one.host, &name).await?;
            }
        }
        if like.is_empty()
            && let Some(database) = target.config.text("DBName")
        {
            let privileges = privileges(target.config.text("AccountPrivilege").unwrap_or("ReadWrite"))?;
            let database = quoted(database, '`')?;
            for host in &hosts {
                let sql = format!("GRANT {privileges} ON {database}.* TO {name}@{}", quoted(host, '\'')?);
                session.run(sql, "granting the privileges").await?;
            }
        }
    }
    let _ = session.0.close().await;
    Ok(())
}

/// The privileges behind the names that the original gives them.
fn privileges(name: &str) -> Outcome<&'static str> {
    match name {
        "ReadOnly" => Ok("SELECT, SHOW VIEW, LOCK TABLES"),
        "ReadWrite" => Ok("ALL PRIVILEGES"),
        "DMLOnly" => Ok("SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, SHOW VIEW"),
        "DDLOnly" => {
            Ok("CREATE, DROP, INDEX, ALTER, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, LOCK TABLES")
        }
        "ReadIndex" => Ok("SELECT, INDEX, SHOW VIEW, LOCK TABLES"),
        _ => Err(refused("AccountPrivilege must be ReadOnly, ReadWrite, DMLOnly, DDLOnly or ReadIndex")),
    }
}

pub(crate) async fn prove(instance: &Instance, login: &Login) -> Outcome<()> {
    let connection = connect(instance, login, As::New).await?;
    let _ = connection.close().await;
    Ok(())
}

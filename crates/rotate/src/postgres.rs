//! PostgreSQL.

use sesame_crypto::SystemRandom;
use sesame_crypto::secret::SecretText;
use sesame_crypto::verifier::scram_sha_256;
use sesame_service::connector::{Change, Login, Outcome};
use sesame_service::rotator::{FailureReason, RotationFailure};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::{As, Instance, Tls, account, aside, password, plain, quoted, sql_refused};

async fn connect(instance: &Instance, login: &Login, who: As) -> Outcome<PgConnection> {
    // EXPOSE: the driver proves the password to the server.
    let password = password(login)?.expose();
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&instance.host)
        .port(instance.port)
        .username(&login.name)
        .password(password)
        .database(if instance.database.is_empty() { "postgres" } else { &instance.database })
        .application_name("sesame")
        .disable_statement_logging();
    options = match &instance.tls {
        Tls::Verify(ca) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(ca.clone()),
        Tls::Off => options.ssl_mode(PgSslMode::Disable),
    };
    who.log_in(options).await
}

pub(crate) async fn set(instance: &Instance, administrator: &Login, change: &Change<'_>) -> Outcome<()> {
    let verifier = quoted(&verifier(password(change.login)?).await?, '\'')?;
    let mut connection = connect(instance, administrator, As::Administrator).await?;
    let role = &change.login.name;
    let found = sqlx::query(
        "SELECT rolsuper OR rolreplication OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = $1",
    )
    .bind(role)
    .fetch_optional(&mut connection)
    .await
    .map_err(|error| sql_refused("looking for the account", &error))?;
    if found.as_ref().is_some_and(|row| row.try_get(0).unwrap_or(true)) {
        return Err(account("the account is a superuser, may replicate, make roles or bypass row security"));
    }
    let name = quoted(role, '"')?;
    let mut sql = String::from("SET standard_conforming_strings = on; SET statement_timeout = '20s'; ");
    match (found, change.like) {
        (Some(_), _) => sql.push_str(&format!("ALTER ROLE {name} LOGIN PASSWORD {verifier}")),
        (None, Some(like)) => {
            let like = quoted(like, '"')?;
            // The same privileges, and what it makes belongs to the first account.
            sql.push_str(&format!(
                "CREATE ROLE {name} LOGIN INHERIT PASSWORD {verifier} IN ROLE {like}; ALTER ROLE {name} SET role = {like}"
            ));
        }
        (None, None) => sql.push_str(&format!("CREATE ROLE {name} LOGIN PASSWORD {verifier}")),
    }
    // Several statements in one message are one transaction.
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    done.map_err(|error| sql_refused("setting the password", &error))?;
    let _ = connection.close().await;
    Ok(())
}

/// What the server keeps of a password: the password itself is not sent, and no log can hold it.
async fn verifier(password: &SecretText) -> Outcome<String> {
    // EXPOSE: prepared as the server and its clients do it; what cannot be prepared is taken as it is.
    let text = plain(password.expose())?;
    let prepared = stringprep::saslprep(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned);
    let prepared = SecretText::new(prepared);
    let verifier = aside::compute(move || scram_sha_256(&prepared, &SystemRandom)).await.and_then(Result::ok);
    verifier.ok_or_else(|| RotationFailure::new(FailureReason::Internal, "the verifier could not be computed"))
}

pub(crate) async fn prove(instance: &Instance, login: &Login) -> Outcome<()> {
    let connection = connect(instance, login, As::New).await?;
    let _ = connection.close().await;
    Ok(())
}

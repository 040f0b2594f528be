//! The tables, as numbered steps that only add.
//!
//! Old and new servers run side by side during an upgrade, so a step never changes or removes what an older server
//! uses, and a database with more steps than this server knows is fine.

use std::time::Duration;

use sesame_domain::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::{Engine, StoreError};

/// Number, name and text of each step. A database records the position, from 1, and the number of the file is equal to
/// it. `{blob}` is the engine's type for bytes; `{clustered}` keeps the rows in the primary key where the engine can; a
/// part after `-- sqlite` or `-- postgres` is for that engine only. An empty line ends a statement.
macro_rules! steps {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../migrations/", $number, ".sql")))),+]
    };
}

const STEPS: &[(&str, &str, &str)] = steps! {
    "0001" "keys, aliases, tags, access keys",
    "0002" "managed data keys",
    "0003" "import tokens",
    "0004" "certificates",
    "0005" "secrets",
    "0006" "audit keys",
    "0007" "events and uses of keys",
    "0008" "users, groups, roles and policies",
    "0009" "logins of users",
    "0010" "counts of secrets by description",
    "0011" "tags and ranges of secrets, for lists",
};

/// How often a step is tried again when another node runs it at the same time.
const ATTEMPTS: u32 = 20;

pub(crate) async fn run(connection: &mut AnyConnection, engine: Engine, now: Timestamp) -> Result<(), StoreError> {
    let mut attempt = 0;
    loop {
        match run_missing(connection, engine, now).await {
            Ok(()) => return Ok(()),
            // Whatever two nodes do to each other here, the loser finds the step done when it looks again.
            Err(cause) if engine == Engine::Postgres && attempt < ATTEMPTS && cause.as_database_error().is_some() => {
                attempt += 1;
                tracing::info!(%cause, attempt, "another node changes the tables; trying again");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(cause) => return Err(cause.into()),
        }
    }
}

async fn run_missing(connection: &mut AnyConnection, engine: Engine, now: Timestamp) -> Result<(), sqlx::Error> {
    let done = match done(connection, engine).await? {
        Some(done) => done,
        None => {
            const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations
                (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
            connection.execute(TABLE).await?;
            0
        }
    };
    let missing = STEPS.iter().enumerate().skip(usize::try_from(done).unwrap_or(0));
    for (position, (_, name, text)) in missing {
        let mut transaction = connection.begin().await?;
        // First the row: a second node waits here for the first one, and then finds it taken.
        sqlx::query("INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)")
            .bind(position as i64 + 1)
            .bind(*name)
            .bind(now.millis())
            .execute(&mut *transaction)
            .await?;
        for statement in for_engine(text, engine).split(";\n\n").filter(|statement| !statement.trim().is_empty()) {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// The number of the last step; `None` when the database is new.
async fn done(connection: &mut AnyConnection, engine: Engine) -> Result<Option<i64>, sqlx::Error> {
    let table = match engine {
        Engine::Sqlite => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'",
        Engine::Postgres => {
            "SELECT count(*) FROM information_schema.tables
                WHERE table_schema = current_schema() AND table_name = 'schema_migrations'"
        }
    };
    let known: i64 = sqlx::query(table).fetch_one(&mut *connection).await?.try_get(0)?;
    if known == 0 {
        return Ok(None);
    }
    let last = sqlx::query("SELECT coalesce(max(version), 0) FROM schema_migrations").fetch_one(connection).await?;
    last.try_get(0).map(Some)
}

fn for_engine(text: &str, engine: Engine) -> String {
    let (text, postgres) = text.split_once("-- postgres\n").unwrap_or((text, ""));
    let (common, sqlite) = text.split_once("-- sqlite\n").unwrap_or((text, ""));
    match engine {
        Engine::Sqlite => format!("{common}{sqlite}").replace("{blob}", "BLOB").replace("{clustered}", "WITHOUT ROWID"),
        Engine::Postgres => format!("{common}{postgres}")
            .replace("{blob}", "BYTEA")
            .replace("{clustered}", "")
            // Order by bytes, as SQLite does, whatever the locale of the database.
            .replace(" TEXT ", " TEXT COLLATE \"C\" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_in_the_file_of_its_position() {
        let named: Vec<_> = STEPS.iter().map(|(number, ..)| format!("{number}.sql")).collect();
        let positions: Vec<_> = (1..=STEPS.len()).map(|position| format!("{position:04}.sql")).collect();
        assert_eq!(named, positions);
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
        let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, positions);
    }
}

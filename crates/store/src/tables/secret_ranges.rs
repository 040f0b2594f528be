//! How many secrets an account has in each range of neighbouring names, so that a page far from both ends of the list
//! is found without passing every name before it.
//!
//! Triggers write down each secret that comes or goes as a change of its own, so that writers never meet in a row. A
//! moment later, [`fold`] adds the changes to the ranges that their names lie in; who reads adds those not folded yet.
//! A range begins at its first name and ends where the next one begins; a name before all of them lies in the range
//! that begins at the empty text. What a range counts is right however large it is; a large one only takes longer to
//! read.

use sesame_domain::AccountId;

use crate::conn::Sql;
use crate::sql::{Args, Columns as _, args};
use crate::{Conn, Engine, StoreError, Tx};

/// Names in a range when it is made. As the bounds below, small in tests of this crate: short lists then go every way.
const NEW_NAMES: i64 = if cfg!(test) { 3 } else { 2_048 };
/// Most names that a range may have after its changes were folded.
const MOST_NAMES: i64 = 2 * NEW_NAMES;
/// Most changes not folded yet that are looked at; with more, lists are read without ranges.
const MOST_CHANGES: i64 = if cfg!(test) { 10 } else { 1_000 };
/// So many changes of an account are worth folding.
const WORTH_FOLDING: i64 = 100;

/// The range that a name lies in, where `c` has the name.
const RANGE: &str = "coalesce((SELECT max(r.first_name) FROM secret_ranges AS r \
    WHERE r.account = $1 AND r.first_name <= c.name), '')";

/// A name to start reading at, and how many secrets that pass come before it.
pub(crate) struct Start {
    pub(crate) name: String,
    pub(crate) before: i64,
}

/// The first name of the range that has the secret after `skip` others that pass. `conditions` says what passes by
/// type, creator and instance, with values that `args` holds after the account. `None` when this is not known, because
/// too much is not folded yet.
///
/// # Errors
/// Those of the engine.
pub(crate) async fn start(
    conn: &mut Conn<'_>,
    mut args: Args,
    conditions: &str,
    skip: i64,
) -> Result<Option<Start>, StoreError> {
    let (changes, skip) = (args.push(MOST_CHANGES + 1), args.push(skip));
    let sql = format!(
        "WITH c AS MATERIALIZED (SELECT name, kind, creator, instance_id, n FROM secret_range_changes \
         WHERE account = $1 LIMIT ${changes}), \
         counted AS (SELECT first_name, n FROM secret_ranges WHERE account = $1{conditions} \
         UNION ALL SELECT {RANGE}, n FROM c WHERE n <> 0{conditions}), \
         ranges AS (SELECT first_name, sum(n) AS n FROM counted GROUP BY first_name), \
         starts AS (SELECT first_name, CAST(sum(n) OVER (ORDER BY first_name) - n AS BIGINT) AS before FROM ranges) \
         SELECT first_name, before, (SELECT count(*) FROM c) FROM starts WHERE before <= ${skip} \
         ORDER BY first_name DESC LIMIT 1"
    );
    match conn.row(Sql::joined(sql), args).await? {
        Some(row) if row.int(2)? <= MOST_CHANGES => Ok(Some(Start { name: row.text(0)?, before: row.int(1)? })),
        _ => Ok(None),
    }
}

/// Accounts with changes that are worth folding.
///
/// # Errors
/// Those of the engine.
pub(crate) async fn to_fold(conn: &mut Conn<'_>) -> Result<Vec<AccountId>, StoreError> {
    let sql = "SELECT account FROM secret_range_changes GROUP BY account HAVING count(*) >= $1";
    let rows = conn.rows(sql, args![WORTH_FOLDING]).await?;
    rows.iter().map(|row| row.parsed(0, "the account of a secret")).collect()
}

/// Adds the changes of an account to its ranges, and makes new ranges of those that became too large, or of all when
/// most became small. On PostgreSQL it has to be alone in its transaction.
///
/// # Errors
/// Those of the engine.
pub(crate) async fn fold(tx: &mut Tx<'_>, account: &AccountId) -> Result<(), StoreError> {
    if tx.engine == Engine::Postgres {
        // All is seen as it was at one moment. Names that come later bring changes of their own, so nobody who writes
        // secrets has to wait for this or run again; two that fold meet in the changes that they take away.
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", args![]).await?;
    }
    let sql = format!(
        "INSERT INTO secret_ranges (account, first_name, kind, creator, instance_id, n) \
         SELECT account, first_name, kind, creator, instance_id, CAST(sum(n) AS BIGINT) FROM \
         (SELECT account, {RANGE} AS first_name, kind, creator, instance_id, n FROM secret_range_changes AS c \
         WHERE account = $1 AND n <> 0) AS placed GROUP BY account, first_name, kind, creator, instance_id \
         ON CONFLICT (account, first_name, kind, creator, instance_id) DO UPDATE SET n = secret_ranges.n + excluded.n"
    );
    tx.execute(Sql::joined_few(sql), args![account]).await?;
    tx.execute("DELETE FROM secret_range_changes WHERE account = $1", args![account]).await?;
    tx.execute("DELETE FROM secret_ranges WHERE account = $1 AND n = 0", args![account]).await?;
    let sql = "SELECT first_name, lead(first_name, 1, '') OVER (ORDER BY first_name), CAST(sum(n) AS BIGINT)
        FROM secret_ranges WHERE account = $1 GROUP BY first_name ORDER BY first_name";
    let mut ranges = Vec::new();
    for row in tx.rows(sql, args![account]).await? {
        ranges.push((row.text(0)?, row.text(1)?, row.int(2)?));
    }
    let total: i64 = ranges.iter().map(|(.., names)| names).sum();
    let wanted = total / NEW_NAMES + 1;
    if ranges.len() as i64 > 4 * wanted {
        tx.execute("DELETE FROM secret_ranges WHERE account = $1", args![account]).await?;
        return divide(tx, account, "", "").await;
    }
    for (first, next, _) in ranges.iter().filter(|(.., names)| *names > MOST_NAMES) {
        tx.execute("DELETE FROM secret_ranges WHERE account = $1 AND first_name = $2", args![account, first]).await?;
        divide(tx, account, first, next).await?;
    }
    Ok(())
}

/// Counts the names from one up to another, which is not included, into new ranges. The empty text ends nowhere.
async fn divide(tx: &mut Tx<'_>, account: &AccountId, first: &str, next: &str) -> Result<(), StoreError> {
    let mut args = args![account, first, NEW_NAMES];
    let end = if next.is_empty() { String::new() } else { format!(" AND name < ${}", args.push(next)) };
    let sql = format!(
        "INSERT INTO secret_ranges (account, first_name, kind, creator, instance_id, n) \
         SELECT account, first_name, kind, creator, instance_id, count(*) FROM \
         (SELECT account, kind, creator, instance_id, \
         CASE WHEN part = 0 THEN $2 ELSE min(name) OVER (PARTITION BY part) END AS first_name FROM \
         (SELECT account, name, kind, creator, instance_id, (row_number() OVER (ORDER BY name) - 1) / $3 AS part \
         FROM secrets WHERE account = $1 AND name >= $2{end}) AS numbered) AS parted \
         GROUP BY account, first_name, kind, creator, instance_id"
    );
    tx.execute(Sql::joined_few(sql), args).await.map(|_| ())
}

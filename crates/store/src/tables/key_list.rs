//! Pages of the keys of an account.

use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_domain::{AccountId, KeyId, KeyState, Page, ProtectionLevel};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Arg, Args, Columns as _, args};
use crate::{Conn, StoreError};

/// Who makes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreatorType {
    /// The account: the creator is an id, which begins with a digit.
    User,
    /// A cloud service: the creator is a name, which does not.
    Service,
}

/// Which keys of an account to list. An empty list restricts nothing; the values of one list are alternatives; a key
/// meets all lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// States.
    pub states: Vec<KeyState>,
    /// Key specs.
    pub specs: Vec<KeySpec>,
    /// Key usages.
    pub usages: Vec<KeyUsage>,
    /// Protection levels.
    pub protection_levels: Vec<ProtectionLevel>,
    /// Creators: account ids and names of services.
    pub creators: Vec<String>,
    /// Kinds of creators.
    pub creator_types: Vec<CreatorType>,
    /// KMS instances; the empty text stands for keys outside instances.
    pub instance_ids: Vec<String>,
    /// Key ids.
    pub key_ids: Vec<String>,
    /// Names of aliases, with `alias/`.
    pub alias_names: Vec<String>,
    /// Keys of tags. With `tag_values`, one tag of the key meets both.
    pub tag_keys: Vec<String>,
    /// Values of tags.
    pub tag_values: Vec<String>,
}

impl KeyFilter {
    /// Whether every key passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A page of the ids of an account's keys, the newest first, and the number of all that pass the filter.
///
/// # Errors
/// Those of the engine.
pub async fn list(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &KeyFilter,
    page: Page,
) -> Result<(Vec<KeyId>, i64), StoreError> {
    if filter.is_empty() && page.offset() < DEEP {
        let args = args![account, i64::from(page.size), page.offset()];
        return ids_and_total(&conn.one(ALL, args).await?);
    }
    if filter.is_empty() {
        return deep(conn, account, page).await;
    }
    let mut args = args![account, i64::from(page.size), page.offset()];
    let conditions = conditions(filter, &mut args);
    let sql = format!(
        "SELECT (SELECT count(*) FROM keys WHERE account = $1{conditions}), \
         (SELECT coalesce(string_agg(id, ',' ORDER BY created_at DESC, id DESC), '') FROM \
         (SELECT id, created_at FROM keys WHERE account = $1{conditions} \
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3) AS page)"
    );
    ids_and_total(&conn.one(Sql::joined(sql), args).await?)
}

/// One row, since a row for each id costs more than the rest: the number from the counters, and the ids of the page
/// joined, read from the index that holds them in order.
const ALL: &str = "SELECT (SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM key_counts WHERE account = $1),
    (SELECT coalesce(string_agg(id, ',' ORDER BY created_at DESC, id DESC), '') FROM
    (SELECT id, created_at FROM keys WHERE account = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3) AS page)";

/// Rows before a page from which it is worth asking first which end is nearer.
const DEEP: i64 = 5_000;

/// A page far from the newest key: skips entries of the index from the nearer end.
async fn deep(conn: &mut Conn<'_>, account: &AccountId, page: Page) -> Result<(Vec<KeyId>, i64), StoreError> {
    let total = crate::keys::count(conn, account).await?;
    let from_oldest = total - page.offset();
    if from_oldest <= 0 {
        return Ok((Vec::new(), total));
    }
    let (sql, size, skipped) = if from_oldest > total / 2 {
        (ALL, i64::from(page.size), page.offset())
    } else {
        let size = from_oldest.min(i64::from(page.size));
        (FROM_OLDEST, size, from_oldest - size)
    };
    let (ids, _) = ids_and_total(&conn.one(sql, args![account, size, skipped]).await?)?;
    Ok((ids, total))
}

/// As [`ALL`], with the page found from the other end.
const FROM_OLDEST: &str = "SELECT CAST(0 AS BIGINT),
    (SELECT coalesce(string_agg(id, ',' ORDER BY created_at DESC, id DESC), '') FROM
    (SELECT id, created_at FROM keys WHERE account = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3) AS page)";

fn ids_and_total(row: &AnyRow) -> Result<(Vec<KeyId>, i64), StoreError> {
    let (total, joined) = (row.int(0)?, row.text(1)?);
    let ids = joined.split(',').filter(|id| !id.is_empty());
    let ids = ids.map(|id| id.parse().map_err(|_| StoreError::Corrupt("a key id"))).collect::<Result<_, _>>()?;
    Ok((ids, total))
}

/// Constant fragments and parameter numbers only.
fn conditions(filter: &KeyFilter, args: &mut Args) -> String {
    let mut sql = String::new();
    let mut all_of = |prefix: &str, list: Option<String>, suffix: &str| {
        if let Some(list) = list {
            sql.extend([" AND ", prefix, " IN (", &list, ")", suffix]);
        }
    };
    all_of("state", numbers(args, filter.states.iter().map(|state| state.name())), "");
    all_of("spec", numbers(args, filter.specs.iter().map(|spec| spec.name())), "");
    all_of("usage", numbers(args, filter.usages.iter().map(|usage| usage.name())), "");
    all_of("protection_level", numbers(args, filter.protection_levels.iter().map(|level| level.name())), "");
    all_of("creator", numbers(args, &filter.creators), "");
    all_of("instance_id", numbers(args, &filter.instance_ids), "");
    all_of("id", numbers(args, &filter.key_ids), "");
    let aliases = numbers(args, &filter.alias_names);
    all_of("id IN (SELECT key_id FROM aliases WHERE account = $1 AND name", aliases, ")");
    let (keys, values) = (numbers(args, &filter.tag_keys), numbers(args, &filter.tag_values));
    const TAGGED: &str = "id IN (SELECT resource FROM tags WHERE account = $1 AND resource_type = 'key'";
    match (keys, values) {
        (None, None) => {}
        (keys, values) => {
            sql.extend([" AND ", TAGGED]);
            for (column, list) in [("tag_key", keys), ("tag_value", values)] {
                if let Some(list) = list {
                    sql.extend([" AND ", column, " IN (", &list, ")"]);
                }
            }
            sql.push(')');
        }
    }
    match (filter.creator_types.contains(&CreatorType::User), filter.creator_types.contains(&CreatorType::Service)) {
        (true, false) => sql.push_str(" AND creator >= '0' AND creator < ':'"),
        (false, true) => sql.push_str(" AND NOT (creator >= '0' AND creator < ':')"),
        _ => {}
    }
    sql
}

/// Binds the values and returns their numbers as a list; `None` when there are no values.
fn numbers(args: &mut Args, values: impl IntoIterator<Item = impl Arg>) -> Option<String> {
    let numbers: Vec<_> = values.into_iter().map(|value| format!("${}", args.push(value))).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

//! Pages of the secrets of an account, in the order of their names.

use sesame_domain::secret::{SecretName, SecretType};
use sesame_domain::{AccountId, Page, Timestamp};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Arg, Args, Columns as _, args};
use crate::{Conn, StoreError};

/// Most resources that are looked at when secrets are sought by tag; the API documents this bound.
const SOUGHT_BY_TAG: i64 = 4_000;
/// Most combinations of type, creator and instance that are read one by one and merged.
const MERGED: usize = 32;

/// Which secrets of an account to list. An empty list restricts nothing; the values of one list are alternatives; a
/// secret meets all lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFilter {
    /// Names.
    pub names: Vec<SecretName>,
    /// Descriptions, as a whole.
    pub descriptions: Vec<String>,
    /// Keys of tags. With `tag_values`, one tag of the secret meets both.
    pub tag_keys: Vec<String>,
    /// Values of tags.
    pub tag_values: Vec<String>,
    /// KMS instances.
    pub instance_ids: Vec<String>,
    /// Types.
    pub kinds: Vec<SecretType>,
    /// Creators.
    pub creators: Vec<String>,
}

impl SecretFilter {
    /// Whether every secret passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it can be decided by type, creator and instance alone.
    fn is_coarse(&self) -> bool {
        self.names.is_empty() && self.descriptions.is_empty() && self.tag_keys.is_empty() && self.tag_values.is_empty()
    }
}

/// A secret as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: SecretName,
    /// The type.
    pub kind: SecretType,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// The end of its recovery window.
    pub delete_at: Option<Timestamp>,
    /// The service that manages it, or the empty text.
    pub owing_service: String,
}

/// A page of an account's secrets by name, and the number of all that pass the filter.
///
/// # Errors
/// Those of the engine.
pub async fn list(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
    page: Page,
) -> Result<(Vec<Listed>, i64), StoreError> {
    if !filter.is_coarse() {
        return fine(conn, account, filter, page).await;
    }
    let groups = groups(conn, account, filter).await?;
    let total = groups.iter().map(|group| group.secrets).sum();
    if page.offset() >= total {
        return Ok((Vec::new(), total));
    }
    let mut args = args![account, i64::from(page.size), page.offset()];
    let names = if filter.is_empty() {
        "SELECT name FROM secrets WHERE account = $1 ORDER BY name LIMIT $2 OFFSET $3".to_owned()
    } else if groups.len() <= MERGED {
        merged(&mut args, &groups, page)
    } else {
        let conditions = coarse_conditions(filter, &mut args);
        format!("SELECT name FROM secrets WHERE account = $1{conditions} ORDER BY name LIMIT $2 OFFSET $3")
    };
    Ok((rows(conn, &names, args).await?, total))
}

/// Secrets that have type, creator and instance in common.
struct Group {
    kind: String,
    creator: String,
    instance_id: String,
    secrets: i64,
}

/// The groups that pass; there are as many as an account has types times creators, however many secrets it has.
async fn groups(conn: &mut Conn<'_>, account: &AccountId, filter: &SecretFilter) -> Result<Vec<Group>, StoreError> {
    let mut args = args![account];
    let conditions = coarse_conditions(filter, &mut args);
    let sql = format!(
        "SELECT kind, creator, instance_id, CAST(sum(n) AS BIGINT) FROM secret_counts WHERE account = $1{conditions} \
         GROUP BY kind, creator, instance_id"
    );
    let group = |row: &AnyRow| {
        Ok(Group { kind: row.text(0)?, creator: row.text(1)?, instance_id: row.text(2)?, secrets: row.int(3)? })
    };
    let rows = conn.rows(Sql::joined(sql), args).await?;
    let mut groups = rows.iter().map(group).collect::<Result<Vec<_>, StoreError>>()?;
    groups.retain(|group| group.secrets > 0);
    Ok(groups)
}

/// The page of several groups: as much of each as the page could need, in the order of its index, then merged.
fn merged(args: &mut Args, groups: &[Group], page: Page) -> String {
    let enough = args.push(page.offset() + i64::from(page.size));
    let parts = groups.iter().map(|group| {
        let (kind, creator, instance) =
            (args.push(&group.kind), args.push(&group.creator), args.push(&group.instance_id));
        format!(
            "SELECT name FROM (SELECT name FROM secrets WHERE account = $1 AND kind = ${kind} AND creator = ${creator} \
             AND instance_id = ${instance} ORDER BY name LIMIT ${enough}) AS g"
        )
    });
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    format!("SELECT name FROM ({parts}) AS merged ORDER BY name LIMIT $2 OFFSET $3")
}

/// By name, description or tag, each through its index; the rest is checked on what these leave.
async fn fine(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
    page: Page,
) -> Result<(Vec<Listed>, i64), StoreError> {
    let conditions = |args: &mut Args| {
        let mut sql = String::new();
        if let Some(list) = numbers(args, &filter.names) {
            sql.extend([" AND name IN (", &list, ")"]);
        }
        if let Some(list) = numbers(args, &filter.descriptions) {
            sql.extend([" AND substr(description, 1, 257) IN (", &list, ")"]);
        }
        match (numbers(args, &filter.tag_keys), numbers(args, &filter.tag_values)) {
            (None, None) => {}
            (keys, values) => sql.extend([" AND name IN (", &tagged(args, keys, values), ")"]),
        }
        sql + &coarse_conditions(filter, args)
    };
    let mut args = args![account];
    let count = format!("SELECT count(*) FROM secrets WHERE account = $1{}", conditions(&mut args));
    let total = conn.one(Sql::joined(count), args).await?.int(0)?;
    if page.offset() >= total {
        return Ok((Vec::new(), total));
    }
    let mut args = args![account, i64::from(page.size), page.offset()];
    let conditions = conditions(&mut args);
    let names = format!("SELECT name FROM secrets WHERE account = $1{conditions} ORDER BY name LIMIT $2 OFFSET $3");
    Ok((rows(conn, &names, args).await?, total))
}

/// Names of secrets by tag: the first ones in the order of an index, so that they are the same in every call.
fn tagged(args: &mut Args, keys: Option<String>, values: Option<String>) -> String {
    let order = if keys.is_some() { "tag_key, tag_value, resource" } else { "tag_value, resource" };
    let mut sql =
        String::from("SELECT resource FROM (SELECT resource FROM tags WHERE account = $1 AND resource_type = 'secret'");
    for (column, list) in [("tag_key", keys), ("tag_value", values)] {
        if let Some(list) = list {
            sql.extend([" AND ", column, " IN (", &list, ")"]);
        }
    }
    sql.push_str(&format!(" ORDER BY {order} LIMIT ${}) AS tagged", args.push(SOUGHT_BY_TAG)));
    sql
}

/// Joining an empty text keeps an engine from reading an index of such coarse columns.
fn coarse_conditions(filter: &SecretFilter, args: &mut Args) -> String {
    let mut sql = String::new();
    let lists = [
        ("kind", numbers(args, filter.kinds.iter().map(|kind| kind.name()))),
        ("creator", numbers(args, &filter.creators)),
        ("instance_id", numbers(args, &filter.instance_ids)),
    ];
    for (column, list) in lists {
        if let Some(list) = list {
            sql.extend([" AND (", column, " || '') IN (", &list, ")"]);
        }
    }
    sql
}

/// What a list shows of the secrets that `names` selects.
async fn rows(conn: &mut Conn<'_>, names: &str, args: Args) -> Result<Vec<Listed>, StoreError> {
    let sql = format!(
        "SELECT name, kind, created_at, updated_at, delete_at, owing_service FROM secrets \
         WHERE account = $1 AND name IN ({names}) ORDER BY name"
    );
    let listed = |row: &AnyRow| {
        Ok(Listed {
            name: row.parsed(0, "a secret name")?,
            kind: row.parsed(1, "a secret type")?,
            created_at: row.time(2)?,
            updated_at: row.time(3)?,
            delete_at: row.optional_time(4)?,
            owing_service: row.text(5)?,
        })
    };
    conn.rows(Sql::joined(sql), args).await?.iter().map(listed).collect()
}

/// Binds the values and returns their numbers as a list; `None` when there are no values.
fn numbers(args: &mut Args, values: impl IntoIterator<Item = impl Arg>) -> Option<String> {
    let numbers: Vec<_> = values.into_iter().map(|value| format!("${}", args.push(value))).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

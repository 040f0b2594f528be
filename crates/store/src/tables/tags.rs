//! Tags of keys and of other resources.

use sesame_domain::AccountId;
use sesame_domain::tag::{ResourceType, Tag, TagKey, TagRow, TagValue};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Arg, Args, Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// Sets every tag on every resource, replacing values of keys that are there.
///
/// # Errors
/// Those of the engine.
pub async fn put(
    tx: &mut Tx<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[&str],
    tags: &[Tag],
) -> Result<(), StoreError> {
    let mut args = args![account, kind.name()];
    let resource_rows = numbers(&mut args, resources, "(", ")");
    let tag_rows: Vec<_> = tags
        .iter()
        .map(|tag| format!("(${}, ${})", args.push(tag.key.as_str()), args.push(tag.value.as_str())))
        .collect();
    let (Some(resource_rows), false) = (resource_rows, tag_rows.is_empty()) else { return Ok(()) };
    // WHERE keeps SQLite from reading ON CONFLICT as a join condition.
    let sql = format!(
        "INSERT INTO tags (account, resource_type, resource, tag_key, tag_value) \
         SELECT $1, $2, r.column1, t.column1, t.column2 FROM (VALUES {resource_rows}) AS r \
         CROSS JOIN (VALUES {}) AS t WHERE 1 = 1 \
         ON CONFLICT (account, resource_type, resource, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
        tag_rows.join(", ")
    );
    tx.execute(Sql::joined_few(sql), args).await?;
    touch(tx, account, kind, resources);
    Ok(())
}

/// Removes the tags of these keys from every resource; a key that a resource does not have is no error.
///
/// # Errors
/// Those of the engine.
pub async fn remove(
    tx: &mut Tx<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[&str],
    keys: &[TagKey],
) -> Result<(), StoreError> {
    let mut args = args![account, kind.name()];
    let resource_list = numbers(&mut args, resources, "", "");
    let key_list = numbers(&mut args, keys.iter().map(TagKey::as_str), "", "");
    let (Some(resource_list), Some(key_list)) = (resource_list, key_list) else { return Ok(()) };
    let sql = format!(
        "DELETE FROM tags WHERE account = $1 AND resource_type = $2 AND resource IN ({resource_list}) \
         AND tag_key IN ({key_list})"
    );
    tx.execute(Sql::joined_few(sql), args).await?;
    touch(tx, account, kind, resources);
    Ok(())
}

/// Removes every tag from every resource.
///
/// # Errors
/// Those of the engine.
pub async fn remove_all(
    tx: &mut Tx<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[&str],
) -> Result<(), StoreError> {
    let mut args = args![account, kind.name()];
    let Some(list) = numbers(&mut args, resources, "", "") else { return Ok(()) };
    let sql = format!("DELETE FROM tags WHERE account = $1 AND resource_type = $2 AND resource IN ({list})");
    tx.execute(Sql::joined_few(sql), args).await?;
    touch(tx, account, kind, resources);
    Ok(())
}

/// The tags of a resource, by key.
///
/// # Errors
/// Those of the engine.
pub async fn list(
    conn: &mut Conn<'_>,
    account: &AccountId,
    kind: ResourceType,
    resource: &str,
) -> Result<Vec<Tag>, StoreError> {
    let sql = "SELECT tag_key, tag_value FROM tags WHERE account = $1 AND resource_type = $2 AND resource = $3
        ORDER BY tag_key";
    conn.rows(sql, args![account, kind.name(), resource]).await?.iter().map(|row| tag(row, 0)).collect()
}

/// The tags of several resources, by resource and key.
///
/// # Errors
/// Those of the engine.
pub async fn of_many(
    conn: &mut Conn<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[String],
) -> Result<Vec<TagRow>, StoreError> {
    let mut args = args![account, kind.name()];
    let Some(list) = numbers(&mut args, resources, "", "") else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT resource, tag_key, tag_value FROM tags WHERE account = $1 AND resource_type = $2 \
         AND resource IN ({list}) ORDER BY resource, tag_key"
    );
    let rows = conn.rows(Sql::joined_few(sql), args).await?;
    rows.iter().map(|row| Ok(TagRow { resource: row.text(0)?, tag: tag(row, 1)? })).collect()
}

/// How many tags the fullest of the resources would have after [`put`].
///
/// # Errors
/// Those of the engine.
pub async fn count_after(
    conn: &mut Conn<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[&str],
    tags: &[Tag],
) -> Result<i64, StoreError> {
    let mut keys: Vec<_> = tags.iter().map(|tag| tag.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut args = args![account, kind.name()];
    let new = keys.len() as i64;
    let resource_list = numbers(&mut args, resources, "", "");
    let (Some(resource_list), Some(key_list)) = (resource_list, numbers(&mut args, keys, "", "")) else {
        return Ok(new);
    };
    let sql = format!(
        "SELECT CAST(coalesce(max(n), 0) AS BIGINT) FROM (SELECT count(*) AS n FROM tags \
         WHERE account = $1 AND resource_type = $2 AND resource IN ({resource_list}) AND tag_key NOT IN ({key_list}) \
         GROUP BY resource) AS others"
    );
    Ok(new + conn.one(Sql::joined_few(sql), args).await?.int(0)?)
}

/// Rows of ListTagResources, by resource and key: every tag of every resource that is among `resources` (when any are
/// named) and carries all of `tags` (a tag without a value stands for any value). `after` is the last row of the page
/// before.
///
/// # Errors
/// Those of the engine.
pub async fn rows(
    conn: &mut Conn<'_>,
    account: &AccountId,
    kind: ResourceType,
    resources: &[String],
    tags: &[(TagKey, Option<TagValue>)],
    after: Option<(String, String)>,
    limit: u32,
) -> Result<Vec<TagRow>, StoreError> {
    let mut args = args![account, kind.name()];
    let mut sql = String::from(
        "SELECT resource, tag_key, tag_value FROM tags AS t WHERE t.account = $1 AND t.resource_type = $2",
    );
    if let Some(list) = numbers(&mut args, resources, "", "") {
        sql.extend([" AND t.resource IN (", &list, ")"]);
    }
    sql.push_str(&carrying_all(&mut args, "t.resource", "$2", tags));
    if let Some((resource, key)) = after {
        let (resource, key) = (args.push(resource), args.push(key));
        sql.push_str(&format!(" AND (t.resource, t.tag_key) > (${resource}, ${key})"));
    }
    sql.push_str(&format!(" ORDER BY t.resource, t.tag_key LIMIT ${}", args.push(i64::from(limit))));
    let rows = conn.rows(Sql::joined(sql), args).await?;
    rows.iter().map(|row| Ok(TagRow { resource: row.text(0)?, tag: tag(row, 1)? })).collect()
}

/// A condition for the WHERE of a statement whose `$1` is the account: that what `column` names is of this kind and
/// carries all of the tags, where a tag without a value stands for any value.
pub(crate) fn carrying(
    args: &mut Args,
    column: &'static str,
    kind: ResourceType,
    tags: &[(TagKey, Option<TagValue>)],
) -> String {
    if tags.is_empty() {
        return String::new();
    }
    let kind = format!("${}", args.push(kind.name()));
    carrying_all(args, column, &kind, tags)
}

fn carrying_all(args: &mut Args, column: &str, kind: &str, tags: &[(TagKey, Option<TagValue>)]) -> String {
    let mut sql = String::new();
    for (key, value) in tags {
        let key = args.push(key.as_str());
        sql.push_str(&format!(
            " AND {column} IN (SELECT resource FROM tags WHERE account = $1 AND resource_type = {kind} AND tag_key = ${key}"
        ));
        if let Some(value) = value {
            sql.push_str(&format!(" AND tag_value = ${}", args.push(value.as_str())));
        }
        sql.push(')');
    }
    sql
}

fn tag(row: &AnyRow, column: usize) -> Result<Tag, StoreError> {
    Ok(Tag { key: row.parsed(column, "a tag key")?, value: row.parsed(column + 1, "a tag value")? })
}

/// Binds the values and returns their numbers as a list; `None` when there are no values.
fn numbers(args: &mut Args, values: impl IntoIterator<Item = impl Arg>, before: &str, after: &str) -> Option<String> {
    let numbers: Vec<_> = values.into_iter().map(|value| format!("{before}${}{after}", args.push(value))).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

fn touch(tx: &mut Tx<'_>, account: &AccountId, kind: ResourceType, resources: &[&str]) {
    if kind == ResourceType::Secret {
        tx.touch(Change::SecretList(account.clone()));
        for name in resources.iter().filter_map(|resource| resource.parse().ok()) {
            tx.touch(Change::Secret(account.clone(), name));
        }
    }
    if kind == ResourceType::Key {
        for key in resources.iter().filter_map(|resource| resource.parse().ok()) {
            tx.touch(Change::Key(key));
        }
    }
}

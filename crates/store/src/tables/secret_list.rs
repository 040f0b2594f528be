//! Pages of the secrets of an account, in the order of their names.

use sesame_domain::secret::{SecretName, SecretType};
use sesame_domain::{AccountId, Page, Timestamp};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Arg, Args, Columns as _, args};
use crate::tables::{secret_ranges, secrets};
use crate::{Conn, StoreError};

/// Most tags that are looked at when secrets are sought by tag; the API documents this bound. As all numbers here it is
/// small in tests of this crate, so that short lists go every way.
pub(crate) const SOUGHT_BY_TAG: i64 = if cfg!(test) { 20 } else { 4_000 };
/// Most groups of secrets with something in common that are read one by one and merged, however far the page is.
const MERGED: usize = 4;
/// The same while no more than so many names have to be read.
const MERGED_NEAR: (usize, i64) = (32, if cfg!(test) { 6 } else { 5_000 });
/// Names to pass from which it is quicker to ask for a range to start in.
const FAR: i64 = if cfg!(test) { 4 } else { 8_000 };

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
    if filter.is_coarse() {
        coarse(conn, account, filter, page).await
    } else if filter.names.is_empty() && filter.tag_keys.is_empty() && filter.tag_values.is_empty() {
        described(conn, account, filter, page).await
    } else {
        few(conn, account, filter, page).await
    }
}

/// The way to a page: from the end of the list that is nearer, or from a name on the way, past what is not on the page.
struct Walk {
    from: String,
    order: &'static str,
    skip: i64,
    take: i64,
}

impl Walk {
    /// `None` for a page that is empty.
    fn to(page: Page, total: i64) -> Option<Self> {
        let skip = page.offset();
        let take = i64::from(page.size).min(total - skip);
        let behind = total - skip - take;
        match take {
            ..=0 => None,
            _ if behind < skip => Some(Self { from: String::new(), order: "DESC", skip: behind, take }),
            _ => Some(Self { from: String::new(), order: "ASC", skip, take }),
        }
    }

    /// The condition that a name lies on the way.
    fn condition(&self, args: &mut Args) -> String {
        if self.from.is_empty() { String::new() } else { format!(" AND name >= ${}", args.push(&self.from)) }
    }

    /// Whether to read so many groups one by one and merge them.
    fn merges(&self, groups: usize) -> bool {
        let (most, near) = MERGED_NEAR;
        groups <= MERGED || (groups <= most && self.skip + self.take <= near)
    }

    fn order_and_limit(&self, args: &mut Args) -> String {
        format!(" ORDER BY name {} LIMIT ${} OFFSET ${}", self.order, args.push(self.take), args.push(self.skip))
    }
}

/// By type, creator and instance, which are counted. What selects everything is read without looking at them; else
/// their groups are read one by one and merged, or all names with what decides, from an index that has both: that is
/// not to be of one of the other groups, when these are few. Far from both ends, reading starts in the range that the
/// page is in.
async fn coarse(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
    page: Page,
) -> Result<(Vec<Listed>, i64), StoreError> {
    let Groups { passing, others, total, in_others } = if filter.is_empty() {
        Groups { total: secrets::count(conn, account).await?, ..Groups::default() }
    } else {
        groups(conn, account, filter).await?
    };
    let Some(mut walk) = Walk::to(page, total) else { return Ok((Vec::new(), total)) };
    if walk.skip >= FAR {
        let mut args = args![account];
        let conditions = if others.is_empty() { String::new() } else { coarse_conditions(filter, &mut args) };
        if let Some(start) = secret_ranges::start(conn, args, &conditions, page.offset()).await? {
            walk = Walk { from: start.name, order: "ASC", skip: page.offset() - start.before, ..walk };
        }
    }
    let mut args = args![account];
    let on_the_way = walk.condition(&mut args);
    let few_others = others.len() <= MERGED;
    // From a range on, there is little to pass, and one part is planned faster than many.
    let in_one_part = few_others && in_others <= total && !walk.from.is_empty() && passing.len() > MERGED;
    let all = format!("SELECT name FROM secrets WHERE account = $1{on_the_way}");
    let mut names = if others.is_empty() {
        all
    } else if walk.merges(passing.len()) && !in_one_part {
        let conditions = passing.iter().map(|group| group.condition(&mut args) + &on_the_way);
        merged(conditions, walk.order)
    } else if few_others {
        let no_other = others.iter().map(|group| format!(" AND NOT ({})", group.condition(&mut args)));
        all + &no_other.collect::<String>()
    } else {
        all + &coarse_conditions(filter, &mut args)
    };
    names.push_str(&walk.order_and_limit(&mut args));
    Ok((rows(conn, &names, args).await?, total))
}

/// Secrets that have type, creator and instance in common.
struct Group {
    kind: String,
    creator: String,
    instance_id: String,
}

impl Group {
    fn condition(&self, args: &mut Args) -> String {
        let (kind, creator) = (args.push(&self.kind), args.push(&self.creator));
        format!("kind = ${kind} AND creator = ${creator} AND instance_id = ${}", args.push(&self.instance_id))
    }
}

/// The groups of an account; there are as many as it has types times creators, however many secrets it has.
#[derive(Default)]
struct Groups {
    /// Those that pass, as far as they may be merged.
    passing: Vec<Group>,
    /// One more than [`MERGED`] of those that do not, or all of them.
    others: Vec<Group>,
    /// The number of secrets that pass.
    total: i64,
    /// The number of secrets of `others`.
    in_others: i64,
}

async fn groups(conn: &mut Conn<'_>, account: &AccountId, filter: &SecretFilter) -> Result<Groups, StoreError> {
    let mut args = args![account];
    let conditions = coarse_conditions(filter, &mut args);
    let part = |condition: &str, most: usize| {
        format!(
            "SELECT kind, creator, instance_id, n, passes FROM (SELECT * FROM g WHERE {condition} LIMIT {most}) AS p"
        )
    };
    let sql = format!(
        "WITH g AS MATERIALIZED (SELECT kind, creator, instance_id, CAST(sum(n) AS BIGINT) AS n, \
         CASE WHEN 1 = 1{conditions} THEN 1 ELSE 0 END AS passes FROM secret_counts WHERE account = $1 \
         GROUP BY kind, creator, instance_id HAVING sum(n) > 0) \
         {} UNION ALL {} UNION ALL \
         SELECT '', '', '', CAST(coalesce(sum(n), 0) AS BIGINT), 2 FROM g WHERE passes = 1",
        part("passes = 1", MERGED_NEAR.0 + 1),
        part("passes = 0", MERGED + 1),
    );
    let mut found = Groups::default();
    for row in conn.rows(Sql::joined(sql), args).await? {
        let group = Group { kind: row.text(0)?, creator: row.text(1)?, instance_id: row.text(2)? };
        match row.int(4)? {
            0 => {
                found.in_others += row.int(3)?;
                found.others.push(group);
            }
            1 => found.passing.push(group),
            _ => found.total = row.int(3)?,
        }
    }
    Ok(found)
}

/// The names of several groups, each in the order of its index: an engine merges them as far as they are needed.
fn merged(conditions: impl Iterator<Item = String>, order: &str) -> String {
    // Ordered inside, since PostgreSQL does not see that the index orders what it puts together.
    let parts = conditions.map(|condition| {
        format!(
            "SELECT name FROM (SELECT name FROM secrets WHERE account = $1 AND {condition} ORDER BY name {order}) AS part"
        )
    });
    format!("SELECT name FROM ({}) AS merged", parts.collect::<Vec<_>>().join(" UNION ALL "))
}

/// By description, each of which is counted (by triggers) with type, creator and instance, and has its part of an index
/// with all that decides.
async fn described(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
    page: Page,
) -> Result<(Vec<Listed>, i64), StoreError> {
    let counts = counts_by_description(conn, account, filter).await?;
    let total = counts.iter().map(|(_, secrets)| secrets).sum();
    let Some(walk) = Walk::to(page, total) else { return Ok((Vec::new(), total)) };
    let mut args = args![account];
    let mut names = if walk.merges(counts.len()) {
        let others = coarse_conditions(filter, &mut args);
        let condition =
            |(description, _): &(String, i64)| format!("sought_description = ${}{others}", args.push(description));
        merged(counts.iter().map(condition), walk.order)
    } else {
        format!("SELECT name FROM secrets WHERE account = $1{}", conditions(filter, &mut args))
    };
    names.push_str(&walk.order_and_limit(&mut args));
    Ok((rows(conn, &names, args).await?, total))
}

/// The descriptions sought that some secret has which passes, and how many do.
async fn counts_by_description(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut args = args![account];
    let sql = format!(
        "SELECT sought_description, CAST(sum(n) AS BIGINT) FROM secret_description_counts WHERE account = $1{} \
         GROUP BY sought_description HAVING sum(n) > 0",
        conditions(filter, &mut args)
    );
    let rows = conn.rows(Sql::joined(sql), args).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// By name or tag, which leave so few that they are put together once, counted, and the page cut out.
async fn few(
    conn: &mut Conn<'_>,
    account: &AccountId,
    filter: &SecretFilter,
    page: Page,
) -> Result<(Vec<Listed>, i64), StoreError> {
    let mut args = args![account];
    let found = found(filter, &mut args);
    let (size, offset) = (args.push(i64::from(page.size)), args.push(page.offset()));
    let sql = format!(
        "WITH found AS MATERIALIZED ({found}) \
         SELECT name, kind, created_at, updated_at, delete_at, owing_service, (SELECT count(*) FROM found) \
         FROM secrets WHERE account = $1 \
         AND name IN (SELECT name FROM found ORDER BY name LIMIT ${size} OFFSET ${offset}) ORDER BY name"
    );
    let rows = conn.rows(Sql::joined(sql), args).await?;
    let total = match rows.first() {
        Some(row) => row.int(6)?,
        None => count_found(conn, account, filter).await?,
    };
    Ok((rows.iter().map(listed).collect::<Result<_, _>>()?, total))
}

async fn count_found(conn: &mut Conn<'_>, account: &AccountId, filter: &SecretFilter) -> Result<i64, StoreError> {
    let mut args = args![account];
    let sql = format!("SELECT count(*) FROM ({}) AS found", found(filter, &mut args));
    conn.one(Sql::joined(sql), args).await?.int(0)
}

/// Selects the names that pass. Tags are stored a second time (by triggers) with what else can be asked of their
/// secret, so that no secret is looked up.
fn found(filter: &SecretFilter, args: &mut Args) -> String {
    match (numbers(args, &filter.tag_keys), numbers(args, &filter.tag_values)) {
        (None, None) => format!("SELECT name FROM secrets WHERE account = $1{}", conditions(filter, args)),
        (keys, values) => {
            let tagged = tagged(args, keys, values, !filter.descriptions.is_empty());
            format!("SELECT DISTINCT name FROM ({tagged}) AS t WHERE 1 = 1{}", conditions(filter, args))
        }
    }
}

fn conditions(filter: &SecretFilter, args: &mut Args) -> String {
    one_of(args, "name", &filter.names)
        + &one_of(args, "sought_description", &filter.descriptions)
        + &coarse_conditions(filter, args)
}

/// That a column has one of the values; nothing when there are none.
fn one_of(args: &mut Args, column: &str, values: impl IntoIterator<Item = impl Arg>) -> String {
    numbers(args, values).map_or_else(String::new, |list| format!(" AND {column} IN ({list})"))
}

/// Tags of secrets: the first ones in the order of an index, so that they are the same in every call.
fn tagged(args: &mut Args, keys: Option<String>, values: Option<String>, with_description: bool) -> String {
    let order = if keys.is_some() { "tag_key, tag_value, name" } else { "tag_value, name" };
    // Descriptions are not in the indexes, which have all the rest.
    let description = if with_description { ", sought_description" } else { "" };
    let mut sql = format!("SELECT name, kind, creator, instance_id{description} FROM secret_tags WHERE account = $1");
    for (column, list) in [("tag_key", keys), ("tag_value", values)] {
        if let Some(list) = list {
            sql.extend([" AND ", column, " IN (", &list, ")"]);
        }
    }
    sql.push_str(&format!(" ORDER BY {order} LIMIT ${}", args.push(SOUGHT_BY_TAG)));
    sql
}

/// `IS TRUE` keeps an engine from reading an index of such coarse columns.
fn coarse_conditions(filter: &SecretFilter, args: &mut Args) -> String {
    let mut sql = String::new();
    let lists = [
        ("kind", numbers(args, filter.kinds.iter().map(|kind| kind.name()))),
        ("creator", numbers(args, &filter.creators)),
        ("instance_id", numbers(args, &filter.instance_ids)),
    ];
    for (column, list) in lists {
        if let Some(list) = list {
            sql.extend([" AND (", column, " IN (", &list, ")) IS TRUE"]);
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
    conn.rows(Sql::joined(sql), args).await?.iter().map(listed).collect()
}

fn listed(row: &AnyRow) -> Result<Listed, StoreError> {
    Ok(Listed {
        name: row.parsed(0, "a secret name")?,
        kind: row.parsed(1, "a secret type")?,
        created_at: row.time(2)?,
        updated_at: row.time(3)?,
        delete_at: row.optional_time(4)?,
        owing_service: row.text(5)?,
    })
}

/// Binds the values and returns their numbers as a list; `None` when there are no values.
fn numbers(args: &mut Args, values: impl IntoIterator<Item = impl Arg>) -> Option<String> {
    let numbers: Vec<_> = values.into_iter().map(|value| format!("${}", args.push(value))).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

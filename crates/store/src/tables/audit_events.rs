//! Events that can be queried: a copy of what the files of the audit trail hold, with the terms that they are found by.

use std::fmt::Write as _;

use sesame_domain::{AccountId, Timestamp};

use crate::conn::Sql;
use crate::sql::{Args, Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// Where an event stands among those of its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When it happened.
    pub time: Timestamp,
    /// The number of its record; orders those of one millisecond and node.
    pub seq: i64,
    /// The id of the event.
    pub id: String,
}

/// An event of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The account that may see it.
    pub account: AccountId,
    /// Where it stands.
    pub place: Place,
    /// What the record holds, as JSON.
    pub body: String,
    /// What it is found by.
    pub terms: Vec<String>,
}

/// Which events are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The account that asks.
    pub account: &'a AccountId,
    /// A term that they must have.
    pub term: Option<&'a str>,
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub to: Timestamp,
    /// The end of the page before.
    pub after: Option<&'a Place>,
    /// Whether the oldest come first.
    pub oldest_first: bool,
    /// How many.
    pub limit: u32,
}

/// How much of a trail has been copied: the number of its last record that was looked at.
///
/// # Errors
/// Those of the engine.
pub async fn position(conn: &mut Conn<'_>, trail: &str) -> Result<u64, StoreError> {
    let row = conn.row("SELECT seq FROM audit_positions WHERE trail = $1", args![trail]).await?;
    Ok(row.map(|row| row.int(0)).transpose()?.map_or(0, |seq| u64::try_from(seq).unwrap_or_default()))
}

/// Keeps events, and how much of their trail has been looked at. Events that are there already are passed over.
///
/// # Errors
/// Those of the engine.
pub async fn insert(tx: &mut Tx<'_>, trail: &str, through: u64, events: &[Event]) -> Result<(), StoreError> {
    let into = Into { table: "audit_events (account, time, seq, id, event)", columns: 5 };
    into.rows(tx, events, |args, event| {
        let Place { time, seq, id } = &event.place;
        args.with(event.account.as_str()).with(*time).with(*seq).with(id).with(&event.body)
    })
    .await?;
    let terms: Vec<_> = events.iter().flat_map(|event| event.terms.iter().map(move |term| (event, term))).collect();
    let into = Into { table: "audit_terms (account, term, time, seq, id)", columns: 5 };
    into.rows(tx, &terms, |args, (event, term)| {
        let Place { time, seq, id } = &event.place;
        args.with(event.account.as_str()).with(*term).with(*time).with(*seq).with(id)
    })
    .await?;
    let sql = "INSERT INTO audit_positions (trail, seq) VALUES ($1, $2)
        ON CONFLICT (trail) DO UPDATE SET seq = excluded.seq";
    tx.execute(sql, args![trail, i64::try_from(through).unwrap_or(i64::MAX)]).await.map(|_| ())
}

/// A page of events: their places and what their records hold.
///
/// # Errors
/// Those of the engine.
pub async fn page(conn: &mut Conn<'_>, query: &Query<'_>) -> Result<Vec<(Place, String)>, StoreError> {
    let (before, past, order) = if query.oldest_first { ("<=", ">", "") } else { (">=", "<", " DESC") };
    let (bound, start) = if query.oldest_first {
        (query.to, Place { time: Timestamp::from_millis(query.from.millis() - 1), seq: i64::MAX, id: String::new() })
    } else {
        (query.from, Place { time: Timestamp::from_millis(query.to.millis() + 1), seq: 0, id: String::new() })
    };
    let after = query.after.unwrap_or(&start);
    let mut args = args![query.account, bound, after.time, after.seq, &after.id, i64::from(query.limit)];
    let (tables, condition) = match query.term {
        Some(term) => {
            args = args.with(term);
            let joined = "audit_terms t JOIN audit_events e
                ON e.account = t.account AND e.time = t.time AND e.seq = t.seq AND e.id = t.id";
            (joined, "t.term = $7 AND ")
        }
        None => ("audit_events t", ""),
    };
    let event = if query.term.is_some() { "e.event" } else { "t.event" };
    let sql = format!(
        "SELECT t.time, t.seq, t.id, {event} FROM {tables}
            WHERE t.account = $1 AND {condition}t.time {before} $2 AND (t.time, t.seq, t.id) {past} ($3, $4, $5)
            ORDER BY t.time{order}, t.seq{order}, t.id{order} LIMIT $6"
    );
    let rows = conn.rows(Sql::joined_few(sql), args).await?;
    rows.iter()
        .map(|row| {
            let place = Place { time: row.time(0)?, seq: row.int(1)?, id: row.text(2)? };
            Ok((place, row.text(3)?))
        })
        .collect()
}

/// Removes events from before a moment, an hour of them at most; whether there may be more.
///
/// # Errors
/// Those of the engine.
pub async fn remove_before(tx: &mut Tx<'_>, moment: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT time FROM audit_events WHERE time < $1 ORDER BY time LIMIT 1";
    let Some(row) = tx.row(sql, args![moment]).await? else { return Ok(false) };
    let oldest = row.time(0)?;
    let through = oldest.plus_seconds(3_600).min(moment);
    tx.execute("DELETE FROM audit_terms WHERE time < $1", args![through]).await?;
    tx.execute("DELETE FROM audit_events WHERE time < $1", args![through]).await?;
    Ok(through < moment)
}

/// Whether any event is from before a moment.
///
/// # Errors
/// Those of the engine.
pub async fn any_before(conn: &mut Conn<'_>, moment: Timestamp) -> Result<bool, StoreError> {
    Ok(conn.row("SELECT 1 FROM audit_events WHERE time < $1 LIMIT 1", args![moment]).await?.is_some())
}

/// Rows of a statement; few sizes, so that the engine can keep each prepared.
const SIZES: [usize; 3] = [64, 8, 1];

/// A table that rows go into, several at a time.
struct Into {
    table: &'static str,
    columns: usize,
}

impl Into {
    async fn rows<T>(
        &self,
        tx: &mut Tx<'_>,
        mut rows: &[T],
        bind: impl Fn(Args, &T) -> Args,
    ) -> Result<(), StoreError> {
        for size in SIZES {
            let text = self.statement(size);
            while let Some((some, rest)) = rows.split_at_checked(size) {
                tx.execute(Sql::joined_few(text.clone()), some.iter().fold(args![], &bind)).await?;
                rows = rest;
            }
        }
        Ok(())
    }

    fn statement(&self, rows: usize) -> String {
        let mut text = format!("INSERT INTO {} VALUES ", self.table);
        for row in 0..rows {
            text.push_str(if row > 0 { ", (" } else { "(" });
            for column in 1..=self.columns {
                let comma = if column > 1 { ", " } else { "" };
                // Writing to a String cannot fail.
                let _ = write!(text, "{comma}${}", row * self.columns + column);
            }
            text.push(')');
        }
        text.push_str(" ON CONFLICT DO NOTHING");
        text
    }
}

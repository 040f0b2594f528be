//! `LookupEvents` of ActionTrail: the events of the caller's account.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sesame_derive::Params;
use sesame_domain::Timestamp;
use sesame_store::audit_events::{self, Place, Query};

use crate::audit::{expand, term};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind, RawTags};
use crate::registry::Product;

pub(crate) struct LookupEvents;

/// Events on a page when the caller does not say.
const PAGE: u32 = 20;
/// How far back a query looks when the caller does not say.
const WEEK_SECONDS: i64 = 7 * 86_400;
/// What events can be found by.
const ATTRIBUTES: [&str; 9] = [
    "ServiceName",
    "EventName",
    "User",
    "EventId",
    "ResourceType",
    "ResourceName",
    "EventRW",
    "EventAccessKeyId",
    "SensitiveAction",
];

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// `FORWARD` for the oldest events first, `BACKWARD` for the newest; `BACKWARD` when it is not given.
    direction: Option<Direction>,
    /// The last moment, such as `2026-01-02T03:04:05Z`; now when it is not given.
    end_time: Option<Moment>,
    /// A condition: `Key` is one of ServiceName, EventName, User, EventId, ResourceType, ResourceName, EventRW,
    /// EventAccessKeyId and SensitiveAction, `Value` what it must be. One condition at a time.
    lookup_attribute: Option<RawTags<1>>,
    /// Events on a page, 0 to 50; 20 when it is not given.
    max_results: Option<MaxResults>,
    /// Where the page before ended, from its answer.
    next_token: Option<NextToken>,
    /// The first moment; a week before now when it is not given.
    start_time: Option<Moment>,
}

/// A moment as sent: a wrong one has a code of its own for each parameter.
#[derive(Clone, Debug)]
struct Moment(Option<Timestamp>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

#[derive(Clone, Copy, Debug)]
struct MaxResults(u32);

/// The place of the last event of a page.
#[derive(Clone, Debug)]
struct NextToken(Place);

impl FromText for Moment {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        Ok(Self(Timestamp::parse(text).ok()))
    }
}

impl FromText for Direction {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        match text {
            "FORWARD" => Ok(Self::Forward),
            "BACKWARD" => Ok(Self::Backward),
            _ => Err("it must be FORWARD or BACKWARD".into()),
        }
    }
}

impl FromText for MaxResults {
    // A number in a text, as the API declares it.
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        match text.parse() {
            Ok(number @ 0..=50) => Ok(Self(number)),
            _ => Err("it must be a number from 0 to 50".into()),
        }
    }
}

impl NextToken {
    fn encode(place: &Place) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}\n{}", place.time.millis(), place.seq, place.id))
    }
}

impl FromText for NextToken {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let place = decoded.as_deref().and_then(|text| {
            let (time, rest) = text.split_once('\n')?;
            let (seq, id) = rest.split_once('\n')?;
            let time = Timestamp::from_millis(time.parse().ok()?);
            Some(Place { time, seq: seq.parse().ok()?, id: id.to_owned() })
        });
        place.map(Self).ok_or_else(|| "it must be the NextToken of the page before".into())
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    start_time: String,
    end_time: String,
}

impl Request {
    fn condition(&self) -> Result<Option<String>> {
        let Some(attribute) = self.lookup_attribute.as_ref().and_then(|list| list.0.first()) else { return Ok(None) };
        let wrong = |reason: String| Err(KmsError::new(Code::InvalidQueryParameter, reason));
        if !ATTRIBUTES.contains(&attribute.key.as_str()) {
            return wrong(format!("LookupAttribute.1.Key must be one of {}.", ATTRIBUTES.join(", ")));
        }
        match attribute.value.as_deref() {
            Some(value) if !value.is_empty() => Ok(Some(term(&attribute.key, value))),
            _ => wrong("LookupAttribute.1.Value says what the attribute must be.".to_owned()),
        }
    }
}

impl Operation for LookupEvents {
    const NAME: &'static str = "LookupEvents";
    const PRODUCT: Product = Product::Actiontrail;
    const SUMMARY: &'static str =
        "Lists the events of the account, newest first, those of one attribute when asked for.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        request.condition()?;
        if request.start_time.as_ref().is_some_and(|moment| moment.0.is_none()) {
            return Err(Code::InvalidParameterStartTime.into());
        }
        if request.end_time.as_ref().is_some_and(|moment| moment.0.is_none()) {
            return Err(Code::InvalidParameterEndTime.into());
        }
        Ok(())
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let condition = request.condition()?;
        let moment = |moment: Option<Moment>| moment.and_then(|moment| moment.0);
        let to = moment(request.end_time).unwrap_or_else(|| cx.now());
        let from = moment(request.start_time).unwrap_or_else(|| cx.now().plus_seconds(-WEEK_SECONDS));
        if to < from {
            return Err(Code::InvalidParameterCombination.into());
        }
        cx.service.audit.index.wait(cx.store(), cx.now()).await?;
        let size = request.max_results.map_or(PAGE, |MaxResults(number)| if number == 0 { PAGE } else { number });
        let after = request.next_token.map(|NextToken(place)| place);
        let query = Query {
            account: cx.account(),
            term: condition.as_deref(),
            from,
            // The whole of the last second.
            to: Timestamp::from_millis(to.millis() - to.millis().rem_euclid(1_000) + 999),
            after: after.as_ref(),
            oldest_first: request.direction == Some(Direction::Forward),
            // One more than a page tells whether there is another page.
            limit: size + 1,
        };
        let mut found = audit_events::page(&mut cx.store().reader().await?, &query).await?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        let next_token = found.last().filter(|_| more).map(|(place, _)| NextToken::encode(place));
        let account = cx.account().as_str();
        let events = found.iter().filter_map(|(place, body)| expand(body.as_bytes(), &place.id, Some(account)));
        Ok(Response { events: events.collect(), next_token, start_time: from.to_string(), end_time: to.to_string() })
    }
}

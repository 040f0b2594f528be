//! `DescribeRegions`: the regions of this deployment.

use serde::Serialize;
use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct DescribeRegions;

#[derive(Debug, Params)]
pub(crate) struct Request {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    regions: Regions,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Regions {
    region: Vec<Region>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Region {
    region_id: String,
}

impl Operation for DescribeRegions {
    const NAME: &'static str = "DescribeRegions";
    const SUMMARY: &'static str = "Lists the region of this deployment and its sister regions.";
    type Request = Request;
    type Response = Response;

    /// None: whoever is authenticated may ask ("Use RAM to control access to KMS resources").
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        []
    }

    async fn run(cx: &Context<'_>, _: Granted, _: Request) -> Result<Response> {
        let sisters = cx.service.sister_regions.iter().filter(|sister| *sister != cx.region());
        let all = std::iter::once(cx.region()).chain(sisters);
        Ok(Response { regions: Regions { region: all.map(|id| Region { region_id: id.to_string() }).collect() } })
    }
}

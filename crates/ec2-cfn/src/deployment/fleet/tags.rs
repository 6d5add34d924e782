//! How many instances have the tags of a group.
//!
//! EC2's by Resource Groups Tagging, which tells of stopped and lately terminated instances as well; those on premises by
//! CodeDeploy itself.

use std::collections::BTreeSet;

use landfall_aws::failure::Failure;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Fleet;
use crate::deployment::client::Client;

/// Pages that are read at most: 2,000 instances, twice what a deployment may have.
const PAGES: usize = 20;
const PAGE: usize = 100;

/// Where instances are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ec2,
    OnPremises,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Page {
    pagination_token: String,
    resource_tag_mapping_list: Vec<Resource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

impl Client {
    /// How many instances fit all of these lists, in each of which one filter has to fit. None when a filter cannot be asked
    /// for.
    pub(crate) async fn tagged(
        &self,
        cx: &Context,
        kind: Kind,
        all: &[Vec<Value>],
    ) -> Result<Option<usize>, Failure> {
        let mut found: Option<BTreeSet<String>> = None;
        for either in all {
            let mut some = BTreeSet::new();
            for filter in either {
                let fitting = match kind {
                    Kind::Ec2 => self.fleet.tagged(cx, filter).await?,
                    Kind::OnPremises => Some(self.on_premises(cx, filter).await?),
                };
                let Some(fitting) = fitting else { return Ok(None) };
                some.extend(fitting);
            }
            found = Some(match found {
                Some(found) => &found & &some,
                None => some,
            });
        }
        Ok(found.map(|found| found.len()))
    }
}

impl Fleet {
    /// ARNs of the instances of EC2 that a filter fits. None of one by value only, which the API does not know.
    async fn tagged(&self, cx: &Context, filter: &Value) -> Result<Option<Vec<String>>, Failure> {
        let kind = filter["Type"].as_str();
        let Some(key) = filter["Key"].as_str().filter(|key| !key.is_empty() && kind != Some("VALUE_ONLY"))
        else {
            return Ok(None);
        };
        let values = if kind == Some("KEY_ONLY") {
            Vec::new()
        } else {
            vec![filter["Value"].as_str().unwrap_or_default()]
        };
        let mut body = json!({
            "ResourceTypeFilters": ["ec2:instance"],
            "ResourcesPerPage": PAGE,
            "TagFilters": [{ "Key": key, "Values": values }],
        });
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let answer = self.read(cx, &self.tagging, ("tag", "GetResources"), body.to_string()).await?;
            let page: Page = answer.json("GetResources")?;
            found.extend(page.resource_tag_mapping_list.into_iter().map(|resource| resource.arn));
            if page.pagination_token.is_empty() {
                break;
            }
            body["PaginationToken"] = json!(page.pagination_token);
        }
        Ok(Some(found))
    }
}

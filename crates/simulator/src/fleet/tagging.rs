//! GetResources, of EC2 instances. A token is the id of the instance that the next page begins with.

use serde_json::{Value, json};

use super::Fleet;
use crate::wire::{Object, ServiceError};

/// "You can set ResourcesPerPage to a minimum of 1 item and the maximum of 100 items"; 50 unless it is said.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

impl Fleet<'_> {
    pub(crate) fn tagged(&self, input: &Object) -> Result<Object, ServiceError> {
        let invalid = |message: &str| ServiceError::client("InvalidParameterException", message);
        let most = input.read::<usize>("ResourcesPerPage").unwrap_or(PAGE);
        if !(1..=LARGEST_PAGE).contains(&most) {
            return Err(invalid("ResourcesPerPage has to be between 1 and 100"));
        }
        let filters: Vec<Value> = input.read("TagFilters").unwrap_or_default();
        if filters.iter().any(|filter| filter["Key"].as_str().is_none_or(str::is_empty)) {
            return Err(invalid("A tag filter needs a key"));
        }
        let kinds = input.strings("ResourceTypeFilters");
        let instances = kinds.is_empty() || kinds.iter().any(|kind| kind == "ec2" || kind == "ec2:instance");
        let from = input.string("PaginationToken").unwrap_or_default();
        let mut found = self.region.instances.iter().filter(|(id, instance)| {
            let fits = |filter: &Value| {
                let tag = filter["Key"].as_str().and_then(|key| instance.tags.get(key));
                let values = filter["Values"].as_array().filter(|values| !values.is_empty());
                tag.is_some_and(|tag| values.is_none_or(|values| values.iter().any(|value| value == tag)))
            };
            instances && !instance.on_premises && **id >= from && filters.iter().all(fits)
        });
        let (account, region) = (&self.principal.account, &self.principal.region);
        let page: Vec<Value> = found
            .by_ref()
            .take(most)
            .map(|(id, instance)| {
                let tags: Vec<Value> =
                    instance.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
                json!({ "ResourceARN": format!("arn:aws:ec2:{region}:{account}:instance/{id}"), "Tags": tags })
            })
            .collect();
        let mut answer = Object::default();
        answer.put("PaginationToken", found.next().map(|(id, _)| id.as_str()).unwrap_or_default());
        answer.put("ResourceTagMappingList", page);
        Ok(answer)
    }
}

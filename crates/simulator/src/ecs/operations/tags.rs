//! TagResource, ListTagsForResource: for clusters, services and task definitions.

use super::validate::check_tags;
use super::{Answered, invalid};
use crate::ecs::RegionState;
use crate::ecs::definition::Tags;
use crate::ecs::model::ServiceKey;
use crate::wire::{Object, ServiceError};

/// A resource that has tags.
enum Tagged {
    Cluster(String),
    Service(ServiceKey),
    Revision(String),
}

impl RegionState {
    fn tagged(&self, input: &Object) -> Result<Tagged, ServiceError> {
        let arn = input.string("resourceArn").unwrap_or_default();
        if !arn.starts_with("arn:") {
            return Err(invalid("Invalid arn syntax."));
        }
        let service = self.resource(&arn, "service").and_then(|rest| rest.split_once('/'));
        if let Some((cluster, service)) = service {
            return Ok(Tagged::Service(ServiceKey::new(cluster, service)));
        }
        if let Some(cluster) = self.resource(&arn, "cluster") {
            return Ok(Tagged::Cluster(cluster.to_owned()));
        }
        if self.task_definition_name(&arn).is_some_and(|name| name.contains(':')) {
            return Ok(Tagged::Revision(arn));
        }
        Err(invalid("The specified resource cannot be tagged."))
    }

    fn tags_of(&self, tagged: &Tagged) -> Option<&Tags> {
        match tagged {
            Tagged::Cluster(name) => self.clusters.get(name).map(|cluster| &cluster.tags),
            Tagged::Service(key) => self.services.get(key).map(|service| &service.tags),
            Tagged::Revision(arn) => self.revision(arn).map(|revision| &revision.tags),
        }
    }

    fn tags_of_mut(&mut self, tagged: &Tagged) -> Option<&mut Tags> {
        match tagged {
            Tagged::Cluster(name) => self.clusters.get_mut(name).map(|cluster| &mut cluster.tags),
            Tagged::Service(key) => self.services.get_mut(key).map(|service| &mut service.tags),
            Tagged::Revision(arn) => {
                let mut revisions = self.families.values_mut().flatten();
                revisions.find(|revision| revision.arn == *arn).map(|revision| &mut revision.tags)
            }
        }
    }

    pub(super) fn list_tags(&self, input: &Object) -> Answered {
        let tagged = self.tagged(input)?;
        // ListTagsForResource lists no ResourceNotFoundException; what it answers instead is not documented.
        let tags = self.tags_of(&tagged).ok_or_else(|| invalid("The specified resource was not found."))?;
        let mut answer = Object::default();
        answer.put("tags", tags.to_value());
        Ok(answer)
    }

    pub(super) fn tag_resource(&mut self, input: &Object) -> Answered {
        let tagged = self.tagged(input)?;
        let new = input.value("tags");
        check_tags(new.as_array().map(Vec::as_slice).unwrap_or_default())?;
        let tags = self.tags_of_mut(&tagged).ok_or_else(|| {
            ServiceError::client("ResourceNotFoundException", "The specified resource was not found.")
        })?;
        for (key, value) in Tags::from_value(&new).0 {
            tags.set(&key, &value);
        }
        Ok(Object::default())
    }
}

//! DescribeTaskDefinition, ListTaskDefinitions, DeregisterTaskDefinition.

use super::page::page;
use super::{Answered, client, includes, invalid};
use crate::ecs::RegionState;
use crate::ecs::definition::Revision;
use crate::wire::Object;
use crate::wire::json::epoch;

impl RegionState {
    pub(super) fn describe_task_definition(&self, input: &Object) -> Answered {
        let name = input.string("taskDefinition").unwrap_or_default();
        // An INACTIVE revision can be described by its number; a family alone means its newest ACTIVE one.
        let revision = self.revision(&name).ok_or_else(|| client("Unable to describe task definition."))?;
        let mut answer = Object::default();
        answer.put("taskDefinition", &revision.document);
        if includes(input, "TAGS") {
            answer.put("tags", revision.tags.to_value());
        }
        Ok(answer)
    }

    pub(super) fn list_task_definitions(&self, input: &Object) -> Answered {
        let prefix = input.string("familyPrefix");
        let status = input.string("status").unwrap_or_else(|| "ACTIVE".to_owned());
        let active = match status.as_str() {
            "ACTIVE" => true,
            "INACTIVE" => false,
            "DELETE_IN_PROGRESS" => return Ok(empty()),
            _ => return Err(invalid("Invalid status.")),
        };
        // "familyPrefix: the full family name": not a prefix in spite of its name. Sorted by family, then by revision.
        let mut families: Vec<_> = self
            .families
            .iter()
            .filter(|(family, _)| prefix.as_ref().is_none_or(|wanted| wanted == *family))
            .collect();
        families.sort_by(|left, right| left.0.cmp(right.0));
        let revisions = families.into_iter().flat_map(|(_, revisions)| revisions);
        let mut arns: Vec<String> = revisions
            .filter(|revision| revision.active == active)
            .map(|revision| revision.arn.clone())
            .collect();
        if input.string("sort").as_deref() == Some("DESC") {
            arns.reverse();
        }
        let (arns, next) = page(input, &arns, 100, 100)?;
        let mut answer = Object::default();
        answer.put("taskDefinitionArns", arns).put_some("nextToken", next);
        Ok(answer)
    }

    pub(super) fn deregister_task_definition(&mut self, input: &Object) -> Answered {
        let name = input.string("taskDefinition").unwrap_or_default();
        if !name.rsplit('/').next().unwrap_or_default().contains(':') {
            return Err(client("Revision is missing."));
        }
        let now = self.now;
        let arn = self.revision(&name).map(|revision| revision.arn.clone());
        let mut revisions = self.families.values_mut().flatten();
        let revision: &mut Revision = revisions
            .find(|revision| Some(&revision.arn) == arn.as_ref())
            .ok_or_else(|| client("Unable to describe task definition."))?;
        revision.active = false;
        revision.document.put("status", "INACTIVE").put("deregisteredAt", epoch(now));
        let mut answer = Object::default();
        answer.put("taskDefinition", &revision.document);
        Ok(answer)
    }
}

fn empty() -> Object {
    let mut answer = Object::default();
    answer.put("taskDefinitionArns", Vec::<String>::new());
    answer
}

//! How many instances there are for each way in which a group names them, as far as that may be known.

use landfall_core::Context;

use super::facts::Group;
use super::fleet::{Kind, ScalingGroup, seen};
use super::target::Deployment;

/// Counts, each none where the group does not name instances so, or where the count is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Instances of EC2 with the group's tags, stopped ones too.
    pub(crate) ec2: Option<usize>,
    /// Registered instances on premises with the group's tags.
    pub(crate) on_premises: Option<usize>,
    /// Those of the group's Auto Scaling groups that exist.
    pub(crate) scaling: Option<Vec<ScalingGroup>>,
}

/// The note of what is not known.
const UNSEEN: &str = "instances-unseen";

/// Counts.
pub(crate) async fn count(target: &Deployment, cx: &Context, group: &Group) -> Counted {
    let mut counted = Counted::default();
    let client = &target.client;
    let (ec2, on_premises, scaling) = (group.ec2_tags(), group.on_premises_tags(), group.scaling_groups());
    if !ec2.is_empty() {
        let unknown = "how many instances of EC2 have the group's tags";
        counted.ec2 = seen(cx, UNSEEN, unknown, client.tagged(cx, Kind::Ec2, &ec2).await).flatten();
    }
    if !on_premises.is_empty() {
        let unknown = "how many instances on premises have the group's tags";
        let answered = client.tagged(cx, Kind::OnPremises, &on_premises).await;
        counted.on_premises = seen(cx, UNSEEN, unknown, answered).flatten();
    }
    if !scaling.is_empty() {
        let unknown = "how much capacity the group's Auto Scaling groups have";
        let answered = client.fleet.scaling_groups(cx, &scaling).await;
        counted.scaling = seen(cx, UNSEEN, unknown, answered).map(|dated| dated.value);
    }
    counted
}

impl Counted {
    /// Whether it is known that the group has no instance, and will get none by itself.
    pub(crate) fn are_none(&self, group: &Group) -> bool {
        let scaling = self.scaling.as_ref();
        let scaling = scaling.map(|groups| groups.iter().all(|one| one.desired == 0 && one.instances == 0));
        let ways = [
            (!group.ec2_tags().is_empty()).then_some(self.ec2.map(|count| count == 0)),
            (!group.on_premises_tags().is_empty()).then_some(self.on_premises.map(|count| count == 0)),
            (!group.scaling_groups().is_empty()).then_some(scaling),
        ];
        let mut ways = ways.into_iter().flatten().peekable();
        ways.peek().is_some() && ways.all(|none| none == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Counted;
    use crate::deployment::facts::read;
    use crate::deployment::fleet::ScalingGroup;

    #[test]
    fn a_group_has_no_instances_only_when_every_way_is_known_to_name_none() {
        let tags = json!([{ "Key": "app", "Value": "demo", "Type": "KEY_AND_VALUE" }]);
        let (ec2, both): (Value, Value) = (
            json!({ "ec2TagFilters": tags }),
            json!({ "ec2TagFilters": tags, "autoScalingGroups": [{ "name": "web" }] }),
        );
        let scaling = |desired, instances| {
            Some(vec![ScalingGroup { name: "web".to_owned(), desired, in_service: 0, instances }])
        };
        let counted = |ec2, scaling| Counted { ec2, on_premises: None, scaling };
        let table = [
            (&ec2, counted(Some(0), None), true),
            (&ec2, counted(Some(1), None), false),
            (&ec2, counted(None, None), false),
            (&both, counted(Some(0), None), false),
            (&both, counted(Some(0), Some(Vec::new())), true),
            (&both, counted(Some(0), scaling(0, 0)), true),
            (&both, counted(Some(0), scaling(1, 0)), false),
            (&both, counted(Some(0), scaling(0, 1)), false),
            (&json!({}), Counted::default(), false),
        ];
        for (group, counted, expected) in table {
            assert_eq!(counted.are_none(&read(group.clone()).unwrap()), expected, "{group} {counted:?}");
        }
    }
}

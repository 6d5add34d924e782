//! DescribeAutoScalingGroups. A group that is not there is left out of the answer.

use crate::AutoScalingGroup;
use crate::clock::{later, ms};
use crate::wire::ServiceError;
use crate::wire::query::{Form, element};

use super::Fleet;

/// "The default value is 50 and the maximum value is 100."
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

impl Fleet<'_> {
    /// Answers with the inner XML of the result.
    pub(crate) fn scaling_groups(&self, form: &Form) -> Result<String, ServiceError> {
        let invalid = |message: &str| ServiceError::new(400, "ValidationError", message);
        let names: Vec<&str> = form.members("AutoScalingGroupNames", "").collect();
        let most = match form.text("MaxRecords").map(str::parse::<usize>) {
            None => PAGE,
            Some(Ok(most)) if (1..=LARGEST_PAGE).contains(&most) => most,
            Some(_) => return Err(invalid("MaxRecords must be between 1 and 100")),
        };
        if names.len() > most {
            return Err(invalid("More names than records were asked for"));
        }
        let from = form.text("NextToken").unwrap_or_default();
        let fits = |name: &str| name >= from && (names.is_empty() || names.contains(&name));
        let mut found = self.region.auto_scaling_groups.iter().filter(|(name, _)| fits(name));
        let mut text = String::from("<AutoScalingGroups>");
        for (name, group) in found.by_ref().take(most) {
            self.group(&mut text, name, group);
        }
        text.push_str("</AutoScalingGroups>");
        if let Some((next, _)) = found.next() {
            element(&mut text, "NextToken", next);
        }
        Ok(text)
    }

    fn group(&self, text: &mut String, name: &str, group: &AutoScalingGroup) {
        let (account, region) = (&self.principal.account, &self.principal.region);
        text.push_str("<member>");
        element(text, "AutoScalingGroupName", name);
        let arn = format!(
            "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:0f1e2d3c:autoScalingGroupName/{name}"
        );
        element(text, "AutoScalingGroupARN", &arn);
        element(text, "MinSize", "0");
        element(text, "MaxSize", &group.desired_capacity.to_string());
        element(text, "DesiredCapacity", &group.desired_capacity.to_string());
        element(text, "DefaultCooldown", "300");
        element(text, "HealthCheckType", "EC2");
        element(text, "CreatedTime", &self.start.to_string());
        text.push_str("<Instances>");
        for (id, after) in &group.instances {
            let state = if later(self.start, ms(*after)) <= self.now { "InService" } else { "Pending" };
            text.push_str("<member>");
            element(text, "InstanceId", id);
            element(text, "AvailabilityZone", &format!("{region}a"));
            element(text, "LifecycleState", state);
            element(text, "HealthStatus", "Healthy");
            element(text, "ProtectedFromScaleIn", "false");
            if let Some(weight) = group.weighted_capacity {
                element(text, "WeightedCapacity", &weight.to_string());
            }
            text.push_str("</member>");
        }
        text.push_str("</Instances></member>");
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use crate::fleet::Fleet;
    use crate::iam::Principal;
    use crate::wire::Form;
    use crate::{AutoScalingGroup, Region};

    fn principal() -> Principal {
        Principal {
            account: "111122223333".to_owned(),
            arn: String::new(),
            user_id: String::new(),
            access_key_id: String::new(),
            denied: Vec::new(),
            region: "eu-central-1".to_owned(),
            session: None,
        }
    }

    fn answer(form: &str, seconds: i64) -> Result<String, String> {
        let group = AutoScalingGroup {
            desired_capacity: 2,
            instances: [("i-1".to_owned(), 0), ("i-2".to_owned(), 5_000)].into(),
            weighted_capacity: None,
        };
        let mut region = Region::default();
        for name in ["api", "web"] {
            region.auto_scaling_groups.insert(name.to_owned(), group.clone());
        }
        let start = Timestamp::UNIX_EPOCH;
        let now = start + SignedDuration::from_secs(seconds);
        let fleet = Fleet { region: &region, principal: &principal(), start, now };
        fleet.scaling_groups(&Form::parse(form.as_bytes())).map_err(|error| error.code)
    }

    #[test]
    fn instances_are_in_service_when_their_time_has_come() {
        let named = "AutoScalingGroupNames.member.1=web&AutoScalingGroupNames.member.2=none";
        let states = |seconds| answer(named, seconds).unwrap().matches("InService").count();
        assert_eq!([states(0), states(4), states(5)], [1, 1, 2]);
        assert!(!answer(named, 0).unwrap().contains(">api<"));
    }

    #[test]
    fn groups_come_in_pages_of_as_many_as_are_asked_for() {
        let first = answer("MaxRecords=1", 0).unwrap();
        assert!(first.contains(">api<") && first.contains("<NextToken>web</NextToken>"), "{first}");
        let second = answer("MaxRecords=1&NextToken=web", 0).unwrap();
        assert!(second.contains(">web<") && !second.contains("NextToken"), "{second}");
        assert_eq!(answer("MaxRecords=101", 0), Err("ValidationError".to_owned()));
    }
}

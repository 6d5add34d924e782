//! Auto Scaling groups: how much capacity they want, and how much is in service.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use landfall_aws::failure::Failure;
use landfall_core::{Context, Error};

use super::{Dated, Fleet};

/// Most groups that are asked for at once; a deployment group has 10 at most (quotas in the CodeDeploy user guide).
const MOST: usize = 50;

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ScalingGroup {
    pub(crate) name: String,
    /// The capacity it wants.
    pub(crate) desired: u64,
    /// The capacity of its instances that are `InService`: of each the weight, where the group weighs them.
    pub(crate) in_service: u64,
    /// Its instances in any state.
    pub(crate) instances: u64,
}

impl Fleet {
    /// These Auto Scaling groups; those that do not exist are missing.
    pub(crate) async fn scaling_groups(
        &self,
        cx: &Context,
        names: &[String],
    ) -> Result<Dated<Vec<ScalingGroup>>, Failure> {
        let operation = ("autoscaling", "DescribeAutoScalingGroups");
        let answer = self.read(cx, &self.scaling, operation, form(names)).await?;
        let value = read(&answer.body).map_err(|error| {
            Error::internal("autoscaling DescribeAutoScalingGroups: the answer is not of the expected form")
                .with_source(&error)
        })?;
        Ok(Dated { value, at: answer.date })
    }
}

fn form(names: &[String]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (index, name) in names.iter().take(MOST).enumerate() {
        form.append_pair(&format!("AutoScalingGroupNames.member.{}", index + 1), name);
    }
    form.finish()
}

fn read(body: &[u8]) -> Result<Vec<ScalingGroup>, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    let mut groups = Vec::new();
    while let Some(mut result) = root.next_tag() {
        if !result.start_el().matches("DescribeAutoScalingGroupsResult") {
            continue;
        }
        while let Some(mut list) = result.next_tag() {
            if !list.start_el().matches("AutoScalingGroups") {
                continue;
            }
            while let Some(mut member) = list.next_tag() {
                groups.push(group(&mut member)?);
            }
        }
    }
    Ok(groups)
}

fn group(member: &mut ScopedDecoder<'_, '_>) -> Result<ScalingGroup, XmlDecodeError> {
    let mut group = ScalingGroup::default();
    while let Some(mut part) = member.next_tag() {
        match part.start_el().local().to_owned().as_str() {
            "AutoScalingGroupName" => group.name = try_data(&mut part)?.into_owned(),
            "DesiredCapacity" => group.desired = number(&try_data(&mut part)?)?,
            "Instances" => {
                while let Some(mut instance) = part.next_tag() {
                    group.instances += 1;
                    group.in_service += in_service(&mut instance)?;
                }
            }
            _ => {}
        }
    }
    Ok(group)
}

/// The capacity that an instance counts for now.
fn in_service(instance: &mut ScopedDecoder<'_, '_>) -> Result<u64, XmlDecodeError> {
    let (mut weight, mut serves) = (1, false);
    while let Some(mut part) = instance.next_tag() {
        match part.start_el().local().to_owned().as_str() {
            "LifecycleState" => serves = try_data(&mut part)? == "InService",
            "WeightedCapacity" => weight = number(&try_data(&mut part)?)?,
            _ => {}
        }
    }
    Ok(if serves { weight } else { 0 })
}

fn number(text: &str) -> Result<u64, XmlDecodeError> {
    text.trim().parse().map_err(XmlDecodeError::unhandled)
}

#[cfg(test)]
mod tests {
    use super::{ScalingGroup, read};

    fn answer(groups: &str) -> String {
        format!(
            "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
             <DescribeAutoScalingGroupsResult><AutoScalingGroups>{groups}</AutoScalingGroups>\
             </DescribeAutoScalingGroupsResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </DescribeAutoScalingGroupsResponse>"
        )
    }

    #[test]
    fn only_instances_in_service_count_and_they_count_by_their_weight() {
        let instance = |state: &str, weight: &str| {
            format!(
                "<member><InstanceId>i</InstanceId><LaunchTemplate><Version>7</Version></LaunchTemplate>{weight}\
                 <LifecycleState>{state}</LifecycleState></member>"
            )
        };
        let weight = "<WeightedCapacity>4</WeightedCapacity>";
        let group = |name: &str, instances: &str| {
            format!(
                "<member><Tags><member><Key>DesiredCapacity</Key></member></Tags><AutoScalingGroupName>{name}\
                 </AutoScalingGroupName><Instances>{instances}</Instances><DesiredCapacity>3</DesiredCapacity></member>"
            )
        };
        let plain = ["InService", "Pending:Wait", "Standby"].map(|state| instance(state, "")).concat();
        let weighed = [instance("InService", weight), instance("Terminating", weight)].concat();
        let text = answer(&[group("a", &plain), group("b &amp; c", &weighed), group("d", "")].concat());
        let made = |name: &str, in_service, instances| ScalingGroup {
            name: name.to_owned(),
            desired: 3,
            in_service,
            instances,
        };
        assert_eq!(read(text.as_bytes()).unwrap(), [made("a", 1, 3), made("b & c", 4, 2), made("d", 0, 0)]);
        assert_eq!(read(answer("").as_bytes()).unwrap(), []);
        assert!(read(b"no XML").is_err());
    }
}

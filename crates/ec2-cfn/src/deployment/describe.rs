//! What a plan says of a deployment, line by line. Pure.

use serde_json::Value;

use super::counted::Counted;
use super::facts::Group;
use super::healthy::Healthy;
use super::spec::{DeploymentSpec, WhenReady, in_words};

/// What is known when the lines are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) spec: &'a DeploymentSpec,
    pub(crate) group: &'a Group,
    /// The revision deployed last with success.
    pub(crate) before: Option<&'a Value>,
    /// How many instances there are now, as far as that may be known.
    pub(crate) counted: &'a Counted,
    /// How many instances the last deployment was to.
    pub(crate) instances: Option<u64>,
    pub(crate) config: &'a str,
    /// What the configuration means, or why that is not known.
    pub(crate) healthy: Result<Option<&'a Healthy>, &'a str>,
}

/// Members of the input that have a line of their own.
const TOLD: [&str; 7] = [
    "applicationName",
    "deploymentGroupName",
    "revision",
    "deploymentConfigName",
    "description",
    "deploymentMode",
    "ec2DeploymentOptions",
];

/// The lines.
pub(crate) fn lines(known: &Known<'_>) -> Vec<String> {
    let spec = known.spec;
    let before = known.before.map_or_else(|| "nothing".to_owned(), in_words);
    let mut lines = vec![if spec.is_restart() {
        format!("restart: of {before}, which is not fetched anew")
    } else {
        format!("revision: {before} -> {}", in_words(&spec.revision()))
    }];
    if let Some(sequence) = &spec.sequence {
        lines.push(format!("release: {}", sequence.number));
    }
    lines.push(instances(known));
    let healthy = match known.healthy {
        Ok(Some(healthy)) => format!(" ({})", healthy.words),
        Ok(None) => String::new(),
        Err(why) => format!(" ({why})"),
    };
    lines.push(format!("deployment configuration: {}{healthy}", known.config));
    lines.extend(blue_green(spec, known.group));
    lines.extend(suspended(spec, known.group));
    for (name, value) in spec.input.iter().filter(|(name, _)| !TOLD.contains(&name.as_str())) {
        lines.push(format!("{name}: {value}"));
    }
    lines
}

fn instances(known: &Known<'_>) -> String {
    let selected = selected(known.group, known.counted);
    let selected = if selected.is_empty() { "none are named".to_owned() } else { selected };
    let last = known.instances.map(|count| format!("; the last deployment had {count}")).unwrap_or_default();
    format!("instances: {selected}{last}")
}

/// How the group names its instances, and how many there are as far as that is known: `EC2 tagged application=demo (3 have
/// these tags); Auto Scaling group web (2 of 3 in service)`. Empty when it names none.
pub(crate) fn selected(group: &Group, counted: &Counted) -> String {
    let of = |count: Option<usize>| match count {
        Some(1) => " (1 has these tags)".to_owned(),
        Some(count) => format!(" ({count} have these tags)"),
        None => String::new(),
    };
    let mut ways = Vec::new();
    for (what, lists, count) in [
        ("EC2 tagged", group.ec2_tags(), counted.ec2),
        ("on-premises tagged", group.on_premises_tags(), counted.on_premises),
    ] {
        let words: Vec<String> = lists.iter().map(|list| tags(list)).collect();
        if !words.is_empty() {
            ways.push(format!("{what} {}{}", words.join(" and "), of(count)));
        }
    }
    let scaling: Vec<String> =
        group.scaling_groups().iter().map(|name| format!("{name}{}", capacity(name, counted))).collect();
    if !scaling.is_empty() {
        ways.push(format!("Auto Scaling group {}", scaling.join(", ")));
    }
    ways.join("; ")
}

fn capacity(name: &str, counted: &Counted) -> String {
    let Some(groups) = &counted.scaling else { return String::new() };
    match groups.iter().find(|group| group.name == name) {
        Some(group) => format!(" ({} of {} in service)", group.in_service, group.desired),
        None => " (there is none of this name)".to_owned(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Filters of which one has to fit.
fn tags(filters: &[Value]) -> String {
    let word = |filter: &Value| {
        let (key, value) = (filter["Key"].as_str(), filter["Value"].as_str());
        match filter["Type"].as_str() {
            Some("KEY_ONLY") => key.unwrap_or_default().to_owned(),
            Some("VALUE_ONLY") => format!("*={}", value.unwrap_or_default()),
            _ => format!("{}={}", key.unwrap_or_default(), value.unwrap_or_default()),
        }
    };
    filters.iter().map(word).collect::<Vec<_>>().join(" or ")
}

/// The waits of a blue/green group.
fn blue_green(spec: &DeploymentSpec, group: &Group) -> Option<String> {
    if !group.is_blue_green() {
        return None;
    }
    let of = |member: &str, name: &str| group.blue_green_deployment_configuration[member][name].clone();
    let minutes = |member: &str, name: &str| of(member, name).as_u64().unwrap_or(0);
    let (ready, end) = ("deploymentReadyOption", "terminateBlueInstancesOnDeploymentSuccess");
    let stops = of(ready, "actionOnTimeout") == "STOP_DEPLOYMENT";
    let first = match (stops, spec.when_ready) {
        (true, WhenReady::Wait) => {
            format!("waits {} minutes to be continued, then stops", minutes(ready, "waitTimeInMinutes"))
        }
        (true, WhenReady::Continue) => "is continued at once".to_owned(),
        (true, WhenReady::Stop) => "is stopped before the traffic is moved".to_owned(),
        (false, _) => "moves the traffic by itself".to_owned(),
    };
    let terminates = of(end, "action") == "TERMINATE";
    let after = minutes(end, "terminationWaitTimeInMinutes");
    let last = if terminates { format!("terminated after {after} minutes") } else { "kept".to_owned() };
    Some(format!("blue/green: {first}; old instances are {last}"))
}

/// Processes of Auto Scaling groups that do not run meanwhile.
fn suspended(spec: &DeploymentSpec, group: &Group) -> Option<String> {
    let of_group = &group.ec2_deployment_options["autoScalingGroupProcessesToSuspend"];
    let names: Vec<&str> =
        items(spec.suspended().unwrap_or(of_group)).iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| format!("suspended in Auto Scaling meanwhile: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::selected;
    use crate::deployment::counted::Counted;
    use crate::deployment::facts::read;
    use crate::deployment::fleet::ScalingGroup;

    #[test]
    fn a_group_is_told_by_what_it_selects_its_instances_with() {
        let tag = |key: &str, value: &str, kind: &str| json!({ "Key": key, "Value": value, "Type": kind });
        let both = "KEY_AND_VALUE";
        let table: [(Value, &str); 5] = [
            (json!({}), ""),
            (
                json!({ "ec2TagFilters": [tag("app", "web", both), tag("blue", "", "KEY_ONLY")] }),
                "EC2 tagged app=web or blue",
            ),
            (
                json!({ "ec2TagSet": { "ec2TagSetList": [[tag("app", "web", both)], [tag("", "eu", "VALUE_ONLY")]] } }),
                "EC2 tagged app=web and *=eu",
            ),
            (
                json!({ "onPremisesTagSet": { "onPremisesTagSetList": [[tag("rack", "7", both)]] } }),
                "on-premises tagged rack=7",
            ),
            (
                json!({ "ec2TagFilters": [], "autoScalingGroups": [{ "name": "web", "hook": "h" }, { "name": "api" }] }),
                "Auto Scaling group web, api",
            ),
        ];
        for (group, expected) in table {
            assert_eq!(selected(&read(group.clone()).unwrap(), &Counted::default()), expected, "{group}");
        }
    }

    #[test]
    fn what_is_known_of_the_instances_stands_behind_what_names_them() {
        let tag = |key: &str| json!({ "Key": key, "Value": "demo", "Type": "KEY_AND_VALUE" });
        let group = json!({
            "ec2TagFilters": [tag("app")],
            "onPremisesInstanceTagFilters": [tag("rack")],
            "autoScalingGroups": [{ "name": "web" }, { "name": "gone" }],
        });
        let web = ScalingGroup { name: "web".to_owned(), desired: 3, in_service: 2, instances: 3 };
        let counted = Counted { ec2: Some(1), on_premises: Some(0), scaling: Some(vec![web]) };
        assert_eq!(
            selected(&read(group).unwrap(), &counted),
            "EC2 tagged app=demo (1 has these tags); on-premises tagged rack=demo (0 have these tags); Auto Scaling group web \
             (2 of 3 in service), gone (there is none of this name)"
        );
    }
}

//! How many instances stay healthy while a deployment goes on, by `minimumHealthyHosts` of its configuration. Pure.
//!
//! "Minimum healthy hosts and deployments" in the user guide: of a percentage "CodeDeploy converts the percentage to the
//! equivalent number of instances, rounding up any fractional instances", and a minimum that is no less than the number of
//! instances fails at once when all of them are healthy. `MinimumHealthyHosts` in the API reference: OneAtATime is
//! `MOST_CONCURRENCY` of 1.

use serde_json::Value;

/// What a configuration means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Healthy {
    /// In words: `at least 50 % of the instances stay healthy: of 3 at least 2, 1 at a time`.
    pub(crate) words: String,
    /// It leaves no instance to deploy to when all of so many are healthy, by the documents.
    pub(crate) leaves_none_of: Option<u64>,
}

/// What `minimumHealthyHosts` of the configuration of this name means for so many instances, if their number is known. None
/// when it has none, or of a kind that nobody knows here.
pub(crate) fn healthy(config: &str, info: &Value, instances: Option<u64>) -> Option<Healthy> {
    let minimum = &info["minimumHealthyHosts"];
    let value = minimum["value"].as_u64()?;
    let predefined = config.strip_prefix("CodeDeployDefault.");
    let kind =
        if predefined == Some("OneAtATime") { "MOST_CONCURRENCY" } else { minimum["type"].as_str()? };
    let value = if predefined == Some("OneAtATime") { 1 } else { value };
    let rule = match kind {
        "FLEET_PERCENT" => format!("at least {value} % of the instances stay healthy"),
        "HOST_COUNT" => format!("at least {value} instances stay healthy"),
        "MOST_CONCURRENCY" => format!("all but {value} of the instances stay healthy"),
        _ => return None,
    };
    let zonal = if info["zonalConfig"].is_object() { ", one Availability Zone after another" } else { "" };
    let only_rule = Healthy { words: format!("{rule}{zonal}"), leaves_none_of: None };
    let Some(all) = instances else { return Some(only_rule) };
    let stay = match kind {
        "FLEET_PERCENT" => all.saturating_mul(value).div_ceil(100),
        "HOST_COUNT" => value,
        _ => all.saturating_sub(value),
    };
    if stay < all {
        let at_once = all - stay;
        let words = format!("{rule}: of {all} at least {stay}, up to {at_once} at a time{zonal}");
        return Some(Healthy { words, leaves_none_of: None });
    }
    // What the predefined ones do with a single instance is not documented.
    Some(if predefined.is_some() { only_rule } else { Healthy { leaves_none_of: Some(all), ..only_rule } })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::healthy;

    fn info(kind: &str, value: u64) -> Value {
        json!({ "minimumHealthyHosts": { "type": kind, "value": value } })
    }

    fn words(config: &str, info: &Value, instances: Option<u64>) -> String {
        healthy(config, info, instances).unwrap().words
    }

    /// The examples of the user guide: nine and ten instances.
    #[test]
    fn percentages_are_rounded_up_and_counts_are_taken_as_they_are() {
        let table = [
            ("FLEET_PERCENT", 50, 9, "of 9 at least 5, up to 4 at a time"),
            ("FLEET_PERCENT", 40, 9, "of 9 at least 4, up to 5 at a time"),
            ("FLEET_PERCENT", 50, 3, "of 3 at least 2, up to 1 at a time"),
            ("FLEET_PERCENT", 0, 10, "of 10 at least 0, up to 10 at a time"),
            ("HOST_COUNT", 6, 9, "of 9 at least 6, up to 3 at a time"),
            ("MOST_CONCURRENCY", 1, 3, "of 3 at least 2, up to 1 at a time"),
        ];
        for (kind, value, instances, expected) in table {
            let told = words("ours", &info(kind, value), Some(instances));
            assert!(told.ends_with(expected), "{kind} {value} of {instances}: {told}");
        }
    }

    #[test]
    fn a_minimum_that_leaves_none_to_deploy_to_is_told_where_the_documents_say_so() {
        let ours = healthy("ours", &info("FLEET_PERCENT", 95), Some(10)).unwrap();
        assert_eq!(ours.leaves_none_of, Some(10), "95 % of 10 is rounded up to 10");
        assert_eq!(healthy("ours", &info("HOST_COUNT", 3), Some(3)).unwrap().leaves_none_of, Some(3));
        let half = info("FLEET_PERCENT", 50);
        let half = healthy("CodeDeployDefault.HalfAtATime", &half, Some(1)).unwrap();
        assert_eq!((half.leaves_none_of, half.words.contains("of 1")), (None, false));
    }

    #[test]
    fn one_at_a_time_is_known_by_its_name_however_it_is_written() {
        for written in [info("MOST_CONCURRENCY", 1), info("FLEET_PERCENT", 99)] {
            let name = "CodeDeployDefault.OneAtATime";
            assert_eq!(
                words(name, &written, Some(1)),
                "all but 1 of the instances stay healthy: of 1 at least 0, up to 1 at a time"
            );
        }
    }

    #[test]
    fn without_a_number_the_rule_alone_is_told_and_what_is_not_known_is_not() {
        assert_eq!(words("ours", &info("HOST_COUNT", 2), None), "at least 2 instances stay healthy");
        assert_eq!(healthy("ours", &info("MOODS", 2), Some(3)), None);
        assert_eq!(healthy("ours", &json!({}), Some(3)), None);
        let mut zonal = info("HOST_COUNT", 2);
        zonal["zonalConfig"] = json!({ "minimumHealthyHostsPerZone": {} });
        assert!(words("ours", &zonal, Some(3)).ends_with("1 at a time, one Availability Zone after another"));
    }
}

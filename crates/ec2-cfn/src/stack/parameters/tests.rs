use std::collections::BTreeSet;

use landfall_core::Cause;
use proptest::prelude::*;

use super::super::template::Template;
use super::{ParameterSource, Parameters, Wanted, settle};

const TEMPLATE: &str = "Parameters:
  Size: {Type: Number, MinValue: 1, MaxValue: 4}
  Stage: {Type: String, AllowedValues: [test, live], Default: test}
  Password: {Type: String, NoEcho: true, MinLength: 8}
  Zones: {Type: CommaDelimitedList, Default: 'a,b'}
Resources: {Topic: {Type: 'AWS::SNS::Topic'}}
";

fn file(text: &str) -> ParameterSource {
    ParameterSource::File { name: "p".to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> Result<Vec<(String, String)>, Vec<Cause>> {
    let mut problems = Vec::new();
    let parameters = Parameters::read(&[file(text)], &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = |wanted: &Wanted| match wanted {
        Wanted::Value(value) => value.clone(),
        Wanted::Previous => "(previous)".to_owned(),
    };
    Ok(parameters.0.iter().map(|(name, given)| (name.clone(), text(&given.value))).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_shape_is_read() {
    let want = pairs(&[("Size", "2"), ("Zones", "a,b")]);
    assert_eq!(read("Size=2\n# zones\nZones=a,b\n").unwrap(), want);
    assert_eq!(read("Size: 2\nZones: [a, b]\n").unwrap(), want);
    assert_eq!(read("{\"Size\": 2, \"Zones\": \"a,b\"}").unwrap(), want);
    assert_eq!(read("{\"Parameters\": {\"Size\": \"2\", \"Zones\": [\"a\", \"b\"]}}").unwrap(), want);
    let list = "[{\"ParameterKey\": \"Size\", \"ParameterValue\": \"2\"}, {\"ParameterKey\": \"Zones\", \"UsePreviousValue\": true}]";
    assert_eq!(read(list).unwrap(), pairs(&[("Size", "2"), ("Zones", "(previous)")]));
    assert_eq!(read("[\"Size=2\", \"Zones=a,b\"]").unwrap(), want);
}

#[test]
fn a_value_may_hold_any_character() {
    assert_eq!(read("Size==a = b\n").unwrap(), pairs(&[("Size", "=a = b")]));
}

#[test]
fn every_problem_of_a_list_is_told_with_its_place() {
    let list = "[{\"ParameterKey\": \"A\"},\n {\"ParameterValue\": \"s3cr3t\"},\n {\"Key\": \"B\"},\n {\"ParameterKey\": \"C\", \"ParameterValue\": {}}]";
    let problems: Vec<String> = read(list).unwrap_err().iter().map(Cause::report).collect();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems[0].starts_with("p:1:2: ") && problems[0].contains("neither a ParameterValue"),
        "{problems:?}"
    );
    assert!(problems[1].starts_with("p:2:2: ") && !problems[1].contains("s3cr3t"), "{problems:?}");
    assert!(problems[2].starts_with("p:3:2: ") && problems[2].contains("`Key`"), "{problems:?}");
    assert!(
        problems[3].starts_with("p:4:") && problems[3].contains("C is neither a text nor"),
        "{problems:?}"
    );
}

fn settled(given: &str, known: Option<&[&str]>) -> Result<Vec<(String, Option<String>)>, Vec<Cause>> {
    let template = Template::parse("t.yaml", TEMPLATE).unwrap();
    let mut problems = Vec::new();
    let parameters = Parameters::read(&[file(given)], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let known: Option<BTreeSet<String>> =
        known.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let settled = settle(&parameters, &template.parameters(), "t.yaml", known.as_ref())?;
    Ok(settled.into_iter().map(|one| (one.name, one.value)).collect())
}

#[test]
fn all_misfits_are_told_at_once_and_no_secret_with_them() {
    let problems = settled("Size=9\nStage=prod\nPassword=hunter2\nColour=red\n", None).unwrap_err();
    let told: Vec<String> = problems.iter().map(Cause::report).collect();
    let all = told.join("\n");
    assert_eq!(told.len(), 4, "{all}");
    assert!(
        all.contains("p:4:1: Parameters.Colour: the template declares no parameter Colour")
            || all.contains("no parameter Colour"),
        "{all}"
    );
    assert!(all.contains("Size: `9` is more than 4") && all.contains("p:1:1"), "{all}");
    assert!(all.contains("Stage: `prod` is none of the allowed values: test, live"), "{all}");
    assert!(
        all.contains("Password: the value is shorter than 8 characters") && !all.contains("hunter2"),
        "{all}"
    );
}

#[test]
fn a_parameter_without_value_and_default_is_missing_and_its_declaration_is_named() {
    let problems = settled("Password=long enough\n", None).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].report().starts_with("t.yaml:2:3: "), "{}", problems[0].report());
    assert!(problems[0].message.contains("Size (Number) has no value and no default"));
}

#[test]
fn what_the_stack_has_goes_before_the_default_and_what_is_given_before_both() {
    let known = ["Size", "Stage", "Password"];
    let sent = settled("Size=3\n", Some(&known)).unwrap();
    let want = [("Size", Some("3")), ("Stage", None), ("Password", None)];
    let want: Vec<(String, Option<String>)> =
        want.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
    assert_eq!(sent, want, "Zones is left to its default");
}

proptest! {
    /// Whatever is in the file, it is read or refused, and two readings agree.
    #[test]
    fn any_file_is_read_or_refused(text in "[ -~\n]{0,120}") {
        prop_assert_eq!(read(&text).is_ok(), read(&text).is_ok());
    }

    /// What is written as a list of CloudFormation is read as it was.
    #[test]
    fn a_list_means_what_it_says(values in proptest::collection::btree_map("[A-Za-z][A-Za-z0-9]{0,8}", "[ -~\u{e4}]{0,20}", 0..6)) {
        let list: Vec<serde_json::Value> = values
            .iter()
            .map(|(name, value)| serde_json::json!({ "ParameterKey": name, "ParameterValue": value }))
            .collect();
        let found = read(&serde_json::Value::from(list).to_string()).unwrap();
        prop_assert_eq!(found, values.into_iter().collect::<Vec<_>>());
    }
}

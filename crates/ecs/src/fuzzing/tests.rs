//! The same on every test run: the corpus, every past finding, and inputs that are near to them.

use landfall_simulator::Simulator;
use proptest::prelude::*;

use near::{cases, inputs, near, text};

#[path = "../../../../fuzz/near.rs"]
mod near;

/// The statuses that the second byte of an `ecs_answer` chooses from, as in the fuzz target.
const STATUSES: [u16; 8] = [200, 200, 200, 200, 400, 403, 500, 503];

/// What is put into inputs beside their own parts.
const WORDS: [&str; 16] = [
    "null",
    "-0",
    "1e999",
    "18446744073709551615",
    "\"",
    "\\u0000",
    "[[",
    "}}",
    "\"SUCCESSFUL\"",
    "\"COMPLETED\"",
    "\"PRIMARY\"",
    "\"taskDefinition\":{",
    "\"tags\":[],",
    "é",
    "\u{1b}[31m\n",
    "aws:",
];

fn two_task_definitions(text: &str) {
    if let Some((one, other)) = text.split_once("\n%%\n") {
        super::task_definitions(one, other);
    }
}

fn ecs_answer(data: &[u8]) {
    let [operation, status, body @ ..] = data else { return };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (status, body) = (STATUSES[usize::from(*status) % STATUSES.len()], body.to_vec());
        let simulator = Simulator::builder().build();
        let http = simulator.http_client_altering(move |answered| {
            answered.status = status.try_into().unwrap();
            answered.body = body.clone().into();
        });
        let config = simulator.sdk_config().into_builder().http_client(http).build();
        super::exchange(&config, *operation).await;
    });
}

#[test]
fn every_input_of_the_fuzzer_holds() {
    inputs("task_definition").iter().for_each(|input| text(input, super::task_definition));
    inputs("two_task_definitions").iter().for_each(|input| text(input, two_task_definitions));
    inputs("ecs_facts").iter().for_each(|input| super::answer(input));
    inputs("ecs_answer").iter().for_each(|input| ecs_answer(input));
    inputs("flags").iter().for_each(|input| text(input, super::names));
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn task_definitions_near_to_real_ones_hold(input in near("task_definition", &WORDS)) {
        text(&input, super::task_definition);
    }

    #[test]
    fn any_text_holds_as_a_task_definition(input in "\\PC{0,80}") {
        super::task_definition(&input);
    }

    #[test]
    fn comparisons_near_to_real_ones_hold(input in near("two_task_definitions", &WORDS)) {
        text(&input, two_task_definitions);
    }

    #[test]
    fn facts_near_to_real_ones_hold(input in near("ecs_facts", &WORDS)) {
        super::answer(&input);
    }

    #[test]
    fn answers_near_to_real_ones_hold(input in near("ecs_answer", &WORDS)) {
        ecs_answer(&input);
    }

    #[test]
    fn any_text_holds_as_a_flag(input in "\\PC{0,80}") {
        super::names(&input);
    }

    #[test]
    fn flags_near_to_real_ones_hold(input in near("flags", &WORDS)) {
        text(&input, super::names);
    }

    #[test]
    fn a_secret_in_an_environment_is_never_part_of_a_comparison(one in "[a-z]{24}", other in "[a-z]{24}") {
        let file = |secret: &str| format!(
            r#"{{"family":"w","containerDefinitions":[{{"name":"w","environment":[{{"name":"KEY","value":"{secret}"}}],
                "dockerLabels":{{"l":"{secret}"}},"unknownThing":"{secret}","repositoryCredentials":{{"new":"{secret}"}}}}]}}"#
        );
        let [one_file, other_file] =
            [&one, &other].map(|secret| crate::Document::parse("td.json", &file(secret)).unwrap());
        let told = crate::document::diff(&one_file, &other_file).join("\n");
        prop_assert_eq!(told.is_empty(), one == other);
        prop_assert!(!told.contains(&one) && !told.contains(&other), "{}", told);
    }
}

//! What is wrong with a graph is said before any call, all at once.

use landfall_core::pipeline::{Pipeline, PipelineBuilder};
use landfall_core::{ErrorKind, Policy};

use crate::support::{cx, good};

fn problems(builder: PipelineBuilder) -> Vec<String> {
    let error = builder.build().unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (ErrorKind::Invalid, 2));
    error.causes().iter().map(|cause| cause.report()).collect()
}

#[test]
fn every_problem_of_a_graph_is_named_at_once() {
    let inner =
        Pipeline::builder().step("web", good("euweb", 0)).step("api", good("euapi", 0)).build().unwrap();
    let all = problems(
        Pipeline::builder()
            .after(["nothing"])
            .step("web", good("web", 0))
            .step("web", good("web", 0))
            .step(" ", good("y", 0))
            .step("a/b", good("z", 0))
            .step("smoke", good("smoke", 0))
            .after(["wbe"])
            .step("x", good("x", 0))
            .after(["y"])
            .step("y", good("yy", 0))
            .after(["x"])
            .step("self", good("self", 0))
            .after(["self"])
            .optional_outputs([("x", "url")])
            .include("eu", inner)
            .policy(Policy::default())
            .step_from("last", [("eu", "url"), ("nobody", "url")], |_| unreachable!())
            .max_parallel(0),
    );
    let expected = [
        "after() comes before the first step",
        "optional_outputs() does not come behind step_from()",
        "policy() does not come behind a step",
        "0 steps at once",
        "the name web is given twice",
        "a step has no name",
        "the name \"a/b\" contains /",
        "smoke comes after \"wbe\", and there is no such step\nnext: the steps are: ",
        "eu is an included pipeline of 2 steps, which has no outputs",
        "last comes after \"nobody\"",
        "x -> y -> x",
        "self -> self",
        "steps web and web both deploy to scripted web in 111122223333 eu-central-1, and neither waits for the other",
    ];
    for expected in expected {
        assert!(all.iter().any(|problem| problem.contains(expected)), "{expected}: {all:#?}");
    }
    assert_eq!(all.len(), expected.len(), "{all:#?}");
}

#[test]
fn a_cycle_through_an_included_pipeline_is_printed_with_its_paths() {
    let inner = Pipeline::builder().step("web", good("web", 0)).build().unwrap();
    let all =
        problems(Pipeline::builder().step("a", good("a", 0)).after(["eu"]).include("eu", inner).after(["a"]));
    assert!(all[0].contains("a -> eu/web -> a"), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_graph_without_steps_has_nothing_to_do() {
    let report = Pipeline::builder().build().unwrap().run(&cx()).await;
    assert_eq!((report.exit_code, report.steps.len()), (0, 0));
}

#[test]
fn an_undeclared_output_is_refused_before_anything_runs_for_lack_of_its_step() {
    let all = problems(Pipeline::builder().step_from("smoke", [("web", "url")], |_| unreachable!()));
    assert!(all[0].contains("smoke comes after \"web\""), "{all:?}");
}

#[test]
fn two_steps_on_one_resource_are_found_in_whatever_order_they_were_added() {
    let all = problems(
        Pipeline::builder()
            .step("first", good("web", 0))
            .after(["between"])
            .step("between", good("web", 0))
            .step("second", good("web", 0))
            .after(["between"]),
    );
    assert!(all[0].contains("steps first and second both deploy to"), "{all:?}");
}

#[test]
fn a_pipeline_without_steps_cannot_be_included() {
    let empty = Pipeline::builder().build().unwrap();
    let all = problems(
        Pipeline::builder()
            .step("migrate", good("db", 0))
            .include("eu", empty)
            .after(["migrate"])
            .step("smoke", good("smoke", 0))
            .after(["eu"]),
    );
    assert!(all[0].contains("eu has no steps"), "{all:?}");
}

#[test]
fn one_resource_may_be_deployed_to_twice_in_an_order() {
    let ordered = Pipeline::builder()
        .step("first", good("web", 0))
        .step("between", good("api", 0))
        .after(["first"])
        .step("second", good("web", 0))
        .after(["between"]);
    assert!(ordered.build().is_ok());
}

//! Servers that are not what they seem: none of them may make landfall report success, hang past its deadline or keep
//! quiet about what was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use landfall_simulator::Simulator;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cloud::Cloud;
use crate::support::{DEPLOY, Ran, run};
use crate::wire::{Act, Seen};

/// What the runs of this file are given.
const TIMEOUT: Duration = Duration::from_secs(6);

/// How far past its deadline a run may end: one look limit, and the time to start a process on a busy machine.
const GRACE: Duration = Duration::from_secs(30 + 15);

/// How long a server may be silent before anything has begun and no deadline runs yet: four attempts of a call, each
/// 15 seconds at most, with the pauses between them.
const BEFORE: Duration = Duration::from_secs(75);

const HTML: &str = "<html><body><h1>It works!</h1></body></html>";

/// A case: what a server does, and what must be told of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    rule: fn() -> Rule,
    arguments: &'static [&'static str],
    code: i32,
    told: &'static [&'static str],
    updates: usize,
}

type Rule = Box<dyn Fn(&Seen<'_>) -> Act + Send + Sync>;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a_rollout_that_never_finishes_times_out",
        rule: never_finishes,
        arguments: &["--on-failure", "keep"],
        code: 6,
        told: &["TIMED OUT", "new tasks running", "nothing was undone"],
        updates: 1,
    },
    Case {
        name: "an_update_that_starts_no_deployment_is_no_success",
        rule: ignores_the_update,
        arguments: &[],
        code: 1,
        told: &["UpdateService accepted web:3", "web:2"],
        updates: 1,
    },
    Case {
        name: "a_primary_that_keeps_the_old_task_definition_is_no_success",
        rule: keeps_the_old_revision,
        arguments: &["--on-failure", "keep"],
        code: 6,
        told: &["TIMED OUT", "web:2", "web:3"],
        updates: 1,
    },
    Case {
        name: "a_deployment_that_is_never_shown_is_no_success",
        rule: hides_the_deployment,
        arguments: &["--on-failure", "keep"],
        code: 6,
        told: &["TIMED OUT", "DescribeServices"],
        updates: 1,
    },
    Case {
        name: "html_for_calls_that_a_server_does_not_know_changes_nothing",
        rule: html_for_unknown_calls,
        arguments: &[],
        code: 1,
        told: &["ListServiceDeployments", "HTTP 500", "<html>", "nothing was changed", "AWS_ENDPOINT_URL"],
        updates: 0,
    },
    Case {
        name: "html_instead_of_every_answer_signs_nobody_in",
        rule: || Box::new(|_| Act::Answer(200, "text/html", HTML.to_owned())),
        arguments: &[],
        code: 1,
        told: &["GetCallerIdentity", "html"],
        updates: 0,
    },
    Case {
        name: "errors_of_html_for_every_call_sign_nobody_in",
        rule: || Box::new(|_| html()),
        arguments: &[],
        code: 1,
        told: &["GetCallerIdentity", "HTTP 500", "<html>"],
        updates: 0,
    },
    Case {
        name: "html_from_ecs_changes_nothing",
        rule: || Box::new(|seen| if is_sts(seen) { Act::Pass } else { html() }),
        arguments: &[],
        code: 1,
        told: &["DescribeServices", "HTTP 500", "<html>", "nothing was changed"],
        updates: 0,
    },
    Case {
        name: "silence_signs_nobody_in",
        rule: || Box::new(|_| Act::Never),
        arguments: &[],
        code: 1,
        told: &["signing in", "no answer came in time", "after 6 s", "nothing was changed"],
        updates: 0,
    },
    Case {
        name: "html_after_the_update_is_an_unknown_outcome",
        rule: || after_the_update(html),
        arguments: &[],
        code: 9,
        told: &["HTTP 500", "<html>", "goes on in AWS", "--run-id"],
        updates: 1,
    },
    Case {
        name: "silence_after_the_update_is_an_unknown_outcome",
        rule: || after_the_update(|| Act::Never),
        arguments: &[],
        code: 9,
        told: &["--run-id"],
        updates: 1,
    },
    Case {
        name: "answers_that_break_off_after_the_update_are_an_unknown_outcome",
        rule: || after_the_update(|| Act::Cut),
        arguments: &[],
        code: 9,
        told: &["--run-id"],
        updates: 1,
    },
    Case {
        name: "an_update_whose_answer_breaks_off_is_found_again_and_not_made_twice",
        rule: cuts_the_first_update,
        arguments: &["--timeout", "60s"],
        code: 0,
        told: &["SUCCEEDED"],
        updates: 1,
    },
    Case {
        name: "a_cluster_that_a_server_makes_up_holds_no_service",
        rule: makes_clusters_up,
        arguments: &["--cluster", "nowhere"],
        code: 1,
        told: &["web", "nowhere"],
        updates: 0,
    },
];

impl Case {
    /// Runs the main job against the server.
    pub(crate) async fn check(&self) -> Result<(), String> {
        let mut cloud = Cloud::of(Simulator::builder().build()).await;
        cloud.rewire((self.rule)()).await;
        let began = Instant::now();
        let timeout = format!("{}s", TIMEOUT.as_secs());
        let mut arguments = DEPLOY.to_vec();
        if let Some(place) = self.arguments.iter().position(|argument| *argument == "--cluster") {
            arguments[2] = self.arguments[place + 1];
        } else {
            arguments.extend(self.arguments);
        }
        if !arguments.contains(&"--timeout") {
            arguments.extend(["--timeout", &timeout]);
        }
        let ran = run(cloud.command(&cloud.home.admin, &arguments)).await;
        self.judge(&cloud, &ran, began.elapsed())
    }

    fn judge(&self, cloud: &Cloud, ran: &Ran, took: Duration) -> Result<(), String> {
        let all = ran.told();
        let missing: Vec<&&str> = self.told.iter().filter(|words| !all.contains(**words)).collect();
        let updates = cloud.wire.count("UpdateService");
        let said = format!("exit {} after {took:.1?}, {updates} updates:\n{all}", ran.code);
        if ran.code != self.code || updates != self.updates {
            return Err(format!(
                "exit {} and {} updates were to be, and not {said}",
                self.code, self.updates
            ));
        }
        if !missing.is_empty() {
            return Err(format!("{missing:?} is not told: {said}"));
        }
        if self.code != 0 && all.contains("SUCCEEDED") {
            return Err(format!("a success is claimed: {said}"));
        }
        let limit = if updates == 0 { BEFORE } else { TIMEOUT } + GRACE;
        if self.code != 0 && took > limit {
            return Err(format!("too late: {said}"));
        }
        Ok(())
    }
}

fn html() -> Act {
    Act::Answer(500, "text/html", HTML.to_owned())
}

fn is_sts(seen: &Seen<'_>) -> bool {
    seen.operation == "GetCallerIdentity"
}

/// No service deployments, as servers that imitate AWS have it.
fn none_listed() -> Act {
    Act::Answer(200, "application/x-amz-json-1.1", json!({ "serviceDeployments": [] }).to_string())
}

/// Changes the services in an answer of DescribeServices or UpdateService.
fn services(change: impl Fn(&mut Value) + Send + 'static) -> Act {
    Act::Change(Box::new(move |answer| {
        if let Some(services) = answer.get_mut("services").and_then(Value::as_array_mut) {
            services.iter_mut().for_each(&change);
        }
        if let Some(service) = answer.get_mut("service") {
            change(service);
        }
    }))
}

fn deployments(service: &mut Value) -> &mut Vec<Value> {
    service["deployments"].as_array_mut().unwrap()
}

pub(crate) fn never_finishes() -> Rule {
    Box::new(|seen| match seen.operation {
        "ListServiceDeployments" => none_listed(),
        "DescribeServices" => services(|service| {
            let fresh = |one: &&mut Value| {
                one["status"] == "PRIMARY" && one["taskDefinition"].to_string().contains("web:3")
            };
            for one in deployments(service).iter_mut().filter(fresh) {
                one["rolloutState"] = json!("IN_PROGRESS");
                one["runningCount"] = json!(0);
            }
        }),
        _ => Act::Pass,
    })
}

/// The update is answered with the service as it was, and not made.
fn ignores_the_update() -> Rule {
    Box::new(|seen| match seen.operation {
        "UpdateService" => {
            let arn = |what: &str| format!("arn:aws:ecs:eu-central-1:111122223333:{what}");
            let service = json!({ "service": {
                "serviceName": "web", "serviceArn": arn("service/demo/web"), "status": "ACTIVE", "desiredCount": 2,
                "runningCount": 2, "taskDefinition": arn("task-definition/web:2"), "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn("task-definition/web:2"),
                    "desiredCount": 2, "runningCount": 2, "rolloutState": "COMPLETED" }] } });
            Act::Answer(200, "application/x-amz-json-1.1", service.to_string())
        }
        _ => Act::Pass,
    })
}

fn keeps_the_old_revision() -> Rule {
    Box::new(|seen| match seen.operation {
        "ListServiceDeployments" => none_listed(),
        "DescribeServices" => services(|service| {
            let old = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2";
            service["taskDefinition"] = json!(old);
            for one in deployments(service) {
                one["taskDefinition"] = json!(old);
                one["rolloutState"] = json!("COMPLETED");
            }
        }),
        _ => Act::Pass,
    })
}

fn hides_the_deployment() -> Rule {
    Box::new(|seen| match seen.operation {
        "ListServiceDeployments" => none_listed(),
        "DescribeServices" => services(|service| {
            deployments(service).retain(|one| one["taskDefinition"].to_string().contains("web:2"));
            for one in deployments(service) {
                one["status"] = json!("PRIMARY");
                one["rolloutState"] = json!("COMPLETED");
                one.as_object_mut().unwrap().remove("updatedAt");
            }
        }),
        _ => Act::Pass,
    })
}

fn html_for_unknown_calls() -> Rule {
    let known = [
        "GetCallerIdentity",
        "DescribeServices",
        "DescribeTaskDefinition",
        "RegisterTaskDefinition",
        "UpdateService",
    ];
    Box::new(move |seen| if known.contains(&seen.operation) { Act::Pass } else { html() })
}

/// From the answer of UpdateService on nothing is as it was.
fn after_the_update(act: fn() -> Act) -> Rule {
    let updated = AtomicBool::new(false);
    Box::new(move |seen| {
        if updated.load(Ordering::SeqCst) {
            return act();
        }
        updated.store(seen.operation == "UpdateService", Ordering::SeqCst);
        Act::Pass
    })
}

fn cuts_the_first_update() -> Rule {
    let cut = Arc::new(AtomicBool::new(false));
    Box::new(move |seen| {
        let first = seen.operation == "UpdateService" && !cut.swap(true, Ordering::SeqCst);
        if first { Act::Cut } else { Act::Pass }
    })
}

/// Asked about a cluster that is not there, it answers as if it were, and empty.
fn makes_clusters_up() -> Rule {
    Box::new(|seen| match seen.operation {
        "DescribeServices" => {
            let missing = json!({ "services": [], "failures": [{ "arn": "web", "reason": "MISSING" }] });
            Act::Answer(200, "application/x-amz-json-1.1", missing.to_string())
        }
        "ListServices" => {
            Act::Answer(200, "application/x-amz-json-1.1", json!({ "serviceArns": [] }).to_string())
        }
        _ => Act::Pass,
    })
}

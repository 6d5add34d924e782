//! What goes wrong with answers: by a broken proxy, a cache, or a server that only resembles AWS.

use std::collections::HashMap;
use std::sync::Mutex;

use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use landfall_simulator::Answered;
use serde_json::{Value, json};

use crate::chance::{Chance, everywhere, remove};

/// The operations whose answers a deployment reads, and all of them.
pub(crate) const OPERATIONS: [&str; 11] = [
    "*",
    "DescribeServices",
    "DescribeServices",
    "UpdateService",
    "DescribeServiceDeployments",
    "ListServiceDeployments",
    "DescribeTaskDefinition",
    "RegisterTaskDefinition",
    "DescribeServiceRevisions",
    "ListTasks",
    "DescribeTasks",
];

/// Members by which deployments are told apart and judged.
const TELLING: [&str; 24] = [
    "services",
    "service",
    "serviceName",
    "serviceArn",
    "clusterArn",
    "status",
    "deployments",
    "id",
    "rolloutState",
    "createdAt",
    "updatedAt",
    "taskDefinition",
    "desiredCount",
    "runningCount",
    "pendingCount",
    "serviceDeployments",
    "serviceDeploymentArn",
    "targetServiceRevision",
    "targetServiceRevisionArn",
    "arn",
    "taskDefinitionArn",
    "revision",
    "containerDefinitions",
    "deploymentController",
];

/// What is done to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    DropAny,
    DropNamed(&'static str),
    NullAny,
    NullNamed(&'static str),
    OtherType,
    NumbersAsFloats,
    NumbersAsText,
    HugeNumbers,
    TextDates,
    NewStatuses,
    LongText,
    Deep,
    Twice,
    EmptyLists,
    ListsTwice,
    EndlessPages,
    OtherService,
    OtherDeployment,
    Cached,
    Truncated,
    Page(u16),
    Empty(u16),
    NotUtf8,
    Prefixed,
    WrongLength,
    Teapot,
}

impl Kind {
    fn any(chance: &mut Chance) -> Self {
        match chance.below(26) {
            0 | 1 => Self::DropAny,
            2 | 3 => Self::DropNamed(chance.one_of(&TELLING)),
            4 => Self::NullAny,
            5 => Self::NullNamed(chance.one_of(&TELLING)),
            6 | 7 => Self::OtherType,
            8 => Self::NumbersAsFloats,
            9 => Self::NumbersAsText,
            10 => Self::HugeNumbers,
            11 => Self::TextDates,
            12 => Self::NewStatuses,
            13 => Self::LongText,
            14 => Self::Deep,
            15 => Self::Twice,
            16 => chance.one_of(&[Self::EmptyLists, Self::ListsTwice]),
            17 => Self::EndlessPages,
            18 => Self::OtherService,
            19 => Self::OtherDeployment,
            20 => Self::Cached,
            21 => Self::Truncated,
            22 => Self::Page(chance.one_of(&[200, 403, 500, 503])),
            23 => Self::Empty(chance.one_of(&[200, 204, 500])),
            24 => chance.one_of(&[Self::NotUtf8, Self::Prefixed]),
            _ => chance.one_of(&[Self::WrongLength, Self::Teapot]),
        }
    }
}

/// A server's or proxy's fault: what it does to which answers.
#[derive(Debug)]
pub(crate) struct Garble {
    pub(crate) faults: Vec<(&'static str, Kind)>,
    /// The answers that are hit: from this one (counted from 0), every so many, so many of them.
    from: usize,
    every: usize,
    times: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    chance: Chance,
    seen: HashMap<String, usize>,
    hit: usize,
    first: HashMap<String, Answered>,
}

impl Garble {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let operation = chance.one_of(&OPERATIONS);
        let mut faults = vec![(operation, Kind::any(&mut chance))];
        match chance.below(6) {
            0 => faults.push((operation, Kind::any(&mut chance))),
            1 | 2 => faults.push((chance.one_of(&OPERATIONS), Kind::any(&mut chance))),
            _ => {}
        }
        let from = chance.one_of(&[0, 0, 1, 2, 5]);
        let every = chance.one_of(&[1, 1, 2, 3]);
        let times = chance.one_of(&[1, 2, 5, usize::MAX, usize::MAX]);
        let state = State { chance, ..State::default() };
        Self { faults, from, every, times, state: Mutex::new(state) }
    }

    /// From the answer of this number on (counted from 0 for each operation), every answer is hit.
    pub(crate) fn from(from: usize, faults: &[(&'static str, Kind)]) -> Self {
        let state = State { chance: Chance::of(7), ..State::default() };
        Self { faults: faults.to_vec(), from, every: 1, times: usize::MAX, state: Mutex::new(state) }
    }

    pub(crate) fn apply(&self, answered: &mut Answered) {
        let mut state = self.state.lock().unwrap();
        let operation = answered.operation.clone();
        let first = state.first.entry(operation.clone()).or_insert_with(|| answered.clone()).clone();
        let seen = state.seen.entry(operation.clone()).or_default();
        let number = *seen;
        *seen += 1;
        if number < self.from || !(number - self.from).is_multiple_of(self.every) {
            return;
        }
        for (of, kind) in &self.faults {
            if (*of == "*" || *of == operation) && state.hit < self.times {
                state.hit += 1;
                change(*kind, answered, &first, &mut state.chance);
            }
        }
    }
}

fn change(kind: Kind, answered: &mut Answered, first: &Answered, chance: &mut Chance) {
    match kind {
        Kind::Cached => answered.body = first.body.clone(),
        Kind::Truncated => answered.body = answered.body.slice(..chance.below(answered.body.len())),
        Kind::Page(status) => {
            let page = "<!DOCTYPE html><html><body><h1>Sign in to the guest network</h1></body></html>";
            answered.body = page.into();
            answered.status = StatusCode::from_u16(status).unwrap();
            answered.headers.insert("content-type", HeaderValue::from_static("text/html"));
        }
        Kind::Empty(status) => {
            answered.body = "".into();
            answered.status = StatusCode::from_u16(status).unwrap();
        }
        Kind::NotUtf8 => {
            let mut bytes = answered.body.to_vec();
            let at = chance.below(bytes.len() + 1);
            bytes.splice(at..at, [0xff, 0xfe, 0xc0]);
            answered.body = bytes.into();
        }
        Kind::Prefixed => answered.body = [b")]}',\n".as_slice(), &answered.body].concat().into(),
        Kind::WrongLength => {
            answered.headers.insert("content-length", HeaderValue::from_static("3"));
        }
        Kind::Teapot => answered.status = StatusCode::IM_A_TEAPOT,
        Kind::Twice => twice(answered, chance),
        _ => {
            if let Ok(mut value) = serde_json::from_slice(&answered.body) {
                change_json(kind, &mut value, chance);
                let text = value.to_string();
                answered.body = text.replace("\"@deep\"", &deep()).into();
            }
        }
    }
}

/// More levels than any reader should go down.
fn deep() -> String {
    format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000))
}

/// The last member of the text is given again with another value.
fn twice(answered: &mut Answered, chance: &mut Chance) {
    let text = String::from_utf8_lossy(&answered.body).into_owned();
    let name = chance.one_of(&TELLING);
    let value = chance.one_of(&["\"other\"", "null", "7", "{}", "[]"]);
    let ends: Vec<usize> = text.match_indices('}').map(|(at, _)| at).collect();
    if ends.is_empty() {
        return;
    }
    let (head, tail) = text.split_at(chance.one_of(&ends));
    let comma = if head.ends_with('{') { "" } else { "," };
    answered.body = format!("{head}{comma}\"{name}\":{value}{tail}").into();
}

fn change_json(kind: Kind, value: &mut Value, chance: &mut Chance) {
    match kind {
        Kind::DropAny => {
            let path = chance.path(value);
            remove(value, &path);
        }
        Kind::NullAny => put(value, chance, Value::Null),
        Kind::DropNamed(name) => everywhere("", value, &|_, it| {
            if let Some(members) = it.as_object_mut() {
                members.shift_remove(name);
            }
        }),
        Kind::NullNamed(name) => everywhere("", value, &|at, it| {
            if at == name {
                *it = Value::Null;
            }
        }),
        Kind::OtherType => {
            let other = chance.one_of(&[
                json!(1),
                json!(-1),
                json!(1.5),
                json!("x"),
                json!(""),
                json!([]),
                json!({}),
                json!(true),
                json!(u64::MAX),
                json!([[null]]),
                json!({"a": {}}),
            ]);
            put(value, chance, other);
        }
        Kind::LongText => put(value, chance, json!("x y/".repeat(100_000))),
        Kind::Deep => put(value, chance, json!("@deep")),
        Kind::OtherService => everywhere("", value, &other_service),
        Kind::OtherDeployment => everywhere("", value, &other_deployment),
        _ => everywhere("", value, &|name, it| for_all(kind, name, it)),
    }
}

fn put(root: &mut Value, chance: &mut Chance, other: Value) {
    let path = chance.path(root);
    if let Some(place) = root.pointer_mut(&path) {
        *place = other;
    }
}

fn for_all(kind: Kind, name: &str, value: &mut Value) {
    let number = value.as_f64();
    match (kind, number) {
        (Kind::NumbersAsFloats, Some(number)) => *value = json!(number),
        (Kind::NumbersAsText, Some(_)) => *value = json!(value.to_string()),
        (Kind::HugeNumbers, Some(_)) => *value = json!(u64::MAX),
        (Kind::TextDates, Some(number)) if name.ends_with("At") => {
            #[expect(clippy::cast_possible_truncation, reason = "seconds of a date")]
            let at = Timestamp::from_second(number as i64);
            *value = json!(at.map(|at| at.to_string()).unwrap_or_default());
        }
        (Kind::NewStatuses, None) if value.as_str().is_some_and(is_status) => *value = json!("BRAND_NEW"),
        (Kind::EmptyLists, None) if value.is_array() => *value = json!([]),
        (Kind::ListsTwice, None) => {
            if let Some(items) = value.as_array_mut() {
                items.extend_from_within(..);
            }
        }
        (Kind::EndlessPages, None) if name.is_empty() && value.is_object() => {
            value["nextToken"] = json!("again");
        }
        _ => {}
    }
}

fn is_status(text: &str) -> bool {
    text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// A neighbour in the same cluster, whose last deployment went well.
fn other_service(_: &str, value: &mut Value) {
    let Some(members) = value.as_object_mut().filter(|members| members.contains_key("deployments")) else {
        return;
    };
    members.insert("serviceName".into(), json!("api"));
    let arn = "arn:aws:ecs:eu-central-1:111122223333:service/demo/api";
    members.insert("serviceArn".into(), json!(arn));
    for deployment in members["deployments"].as_array_mut().into_iter().flatten() {
        deployment["rolloutState"] = json!("COMPLETED");
        deployment["runningCount"] = deployment["desiredCount"].clone();
    }
}

/// Another deployment, which went well.
fn other_deployment(name: &str, value: &mut Value) {
    if name == "serviceDeployments"
        && let Some(members) = value.as_object_mut()
    {
        members.insert("status".into(), json!("SUCCESSFUL"));
        for (member, arn) in [
            (
                "serviceDeploymentArn",
                "arn:aws:ecs:eu-central-1:111122223333:service-deployment/demo/api/abcdefgh",
            ),
            (
                "targetServiceRevisionArn",
                "arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/api/42",
            ),
        ] {
            if members.contains_key(member) {
                members.insert(member.into(), json!(arn));
            }
        }
        if let Some(target) = members.get_mut("targetServiceRevision") {
            target["arn"] = json!("arn:aws:ecs:eu-central-1:111122223333:service-revision/demo/api/42");
        }
    }
}

//! The permissions that the README prints, read from it: the tests run with exactly these.

use serde_json::{Value, json};

const README: &str = include_str!("../../README.md");

/// What a role may do.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    actions: Vec<String>,
}

impl Policy {
    /// The policy of the README and nothing else.
    pub(crate) fn required() -> Self {
        let document = document();
        let statements = document["Statement"].as_array().unwrap();
        Self { actions: statements.iter().flat_map(|statement| strings(&statement["Action"])).collect() }
    }

    /// The policy of the README with all that its table calls optional.
    pub(crate) fn full() -> Self {
        optional().into_iter().flatten().fold(Self::required(), |policy, action| policy.with(&action))
    }

    pub(crate) fn with(mut self, action: &str) -> Self {
        self.actions.push(action.to_owned());
        self
    }

    pub(crate) fn without(mut self, actions: &[String]) -> Self {
        self.actions.retain(|action| !actions.contains(action));
        self
    }

    /// The document for a role in this account: the README's statements, less what was taken away, and one more
    /// statement for what was added.
    pub(crate) fn document(&self, account: &str) -> Value {
        let mut document = document();
        let mut printed = Vec::new();
        let statements = document["Statement"].as_array_mut().unwrap();
        for statement in statements.iter_mut() {
            let actions = strings(&statement["Action"]);
            printed.extend(actions.clone());
            let kept: Vec<String> =
                actions.into_iter().filter(|action| self.actions.contains(action)).collect();
            statement["Action"] = json!(kept);
        }
        statements.retain(|statement| statement["Action"] != json!([]));
        let more: Vec<&String> = self.actions.iter().filter(|action| !printed.contains(action)).collect();
        if !more.is_empty() {
            statements.push(json!({ "Effect": "Allow", "Resource": "*", "Action": more }));
        }
        let text = document.to_string().replace("111122223333", account).replace("YOUR-TASK-ROLES-", "web-");
        serde_json::from_str(&text).unwrap()
    }

    /// Which of the actions that this suite knows are not allowed: the simulator takes these.
    pub(crate) fn denied(&self) -> Vec<String> {
        let all = Self::full().with("sts:AssumeRole").actions;
        all.into_iter().filter(|action| !self.actions.contains(action)).collect()
    }
}

/// Each row of the README's table of optional permissions.
pub(crate) fn optional() -> Vec<Vec<String>> {
    let table = README.split_once("| Action | Without it |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let actions = |row: &str| {
        let cell = row.split('|').nth(1).unwrap();
        cell.split('`').filter(|part| part.contains(':')).map(str::to_owned).collect()
    };
    rows.map(actions).collect()
}

/// Each action of ECS that the README's policy allows.
pub(crate) fn required_of_ecs() -> Vec<String> {
    Policy::required().actions.into_iter().filter(|action| action.starts_with("ecs:")).collect()
}

fn document() -> Value {
    let section = README.split_once("### Permissions").unwrap().1;
    let text = section.split_once("```json").unwrap().1.split_once("```").unwrap().0;
    serde_json::from_str(text).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

//! Calls about task definitions.

use jiff::Timestamp;
use landfall_aws::failure::Failure;
use landfall_aws::raw::Answer;
use landfall_core::Context;
use serde::Deserialize;
use serde_json::json;

use super::{Category, Client, another, exchange, facts};
use crate::document::{Document, RUN_TAG};
use crate::facts::{TaskDefinition, epoch, family_and_revision, short};

/// A registered revision: its document, and what ECS added to it.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) number: u64,
    pub(crate) active: bool,
    pub(crate) registered_at: Option<Timestamp>,
    pub(crate) document: Document,
    pub(crate) containers: TaskDefinition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Described {
    task_definition: Head,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Head {
    task_definition_arn: String,
    revision: u64,
    status: String,
    #[serde(deserialize_with = "epoch::read")]
    registered_at: Option<Timestamp>,
    #[serde(flatten)]
    containers: TaskDefinition,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    task_definition_arns: Vec<String>,
}

impl Revision {
    /// `asked`: a family, `family:revision` or an ARN.
    fn of(operation: &'static str, answer: &Answer, asked: &str) -> Result<Self, Failure> {
        let head = facts::<Described>(operation, answer)?.value.task_definition;
        let asked = short(asked);
        let is_asked_for = family_and_revision(&head.task_definition_arn)
            .is_some_and(|(family, _)| asked == family || asked == short(&head.task_definition_arn));
        if !is_asked_for {
            let seen = match head.task_definition_arn.as_str() {
                "" => "does not say which task definition it is about".to_owned(),
                arn => format!("is about {}", short(arn)),
            };
            return Err(another(operation, &seen, &format!("task definition {asked}")));
        }
        let document = Document::from_answer(&answer.body).map_err(|error| error.while_doing(operation))?;
        Ok(Self {
            arn: head.task_definition_arn,
            number: head.revision,
            active: head.status != "INACTIVE" && head.status != "DELETE_IN_PROGRESS",
            registered_at: head.registered_at,
            document,
            containers: head.containers,
        })
    }

    /// The run that registered it, by the tag.
    pub(crate) fn run_tag(&self) -> Option<&str> {
        self.document.tag(RUN_TAG)
    }
}

impl Client {
    /// DescribeTaskDefinition with tags. `name` is a family, `family:revision` or an ARN.
    pub(crate) async fn describe_task_definition(
        &self,
        cx: &Context,
        name: &str,
    ) -> Result<Revision, Failure> {
        let call = self
            .read("DescribeTaskDefinition", Category::ReadTaskDefinitions)
            .on(format!("task definition {}", crate::facts::short(name)));
        let body = json!({ "taskDefinition": name, "include": ["TAGS"] }).to_string();
        let answer = exchange!(cx, call, self.ecs, describe_task_definition, body)?;
        Revision::of("DescribeTaskDefinition", &answer, name)
    }

    /// ListTaskDefinitions: the newest active revisions of a family, newest first.
    pub(crate) async fn list_revisions(
        &self,
        cx: &Context,
        family: &str,
        most: u32,
    ) -> Result<Vec<String>, Failure> {
        let call =
            self.read("ListTaskDefinitions", Category::ReadTaskDefinitions).on(format!("family {family}"));
        let body = json!({ "familyPrefix": family, "sort": "DESC", "maxResults": most }).to_string();
        let answer = exchange!(cx, call, self.ecs, list_task_definitions, body)?;
        Ok(facts::<Listed>("ListTaskDefinitions", &answer)?.value.task_definition_arns)
    }

    /// RegisterTaskDefinition with the document as it is.
    pub(crate) async fn register(&self, cx: &Context, document: &Document) -> Result<Revision, Failure> {
        let call = self
            .write("RegisterTaskDefinition", Category::RegisterTaskDefinition)
            .on(format!("family {}", document.family()));
        let answer = exchange!(cx, call, self.ecs, register_task_definition, document.to_body())?;
        Revision::of("RegisterTaskDefinition", &answer, document.family())
    }
}

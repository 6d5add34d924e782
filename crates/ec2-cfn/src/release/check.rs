//! What can be wrong with a release, found without a call: each of its parts, and what they are to each other.

use landfall_core::Cause;
use serde_json::Value;

use super::{FromStack, found};
use crate::bundle::{BundleBuilder, BundleSpec};
use crate::deployment::{BundleType, DeploymentBuilder, Revision};
use crate::stack::StackSpec;

/// Stands for what an output will say, where only the rest is checked.
const LATER: &str = "known-after-apply";

/// Finds all problems beside those of the stack itself.
pub(super) fn all(
    stack: Option<&StackSpec>,
    bundle: &BundleBuilder,
    deployment: &DeploymentBuilder,
    from: &FromStack,
    problems: &mut Vec<Cause>,
) {
    twice(bundle, deployment, from, problems);
    if let Some(stack) = stack {
        outputs(stack, from, problems);
    }
    let bucket = match from.bucket {
        Some(_) => bundle.clone().bucket(LATER),
        None => bundle.clone(),
    };
    let known = from.bucket.is_none();
    if let Some(spec) = found(bucket.build(), problems) {
        revision(&spec, known, deployment, problems);
    }
    let stands_in = Revision::s3(LATER, LATER).with_bundle_type(BundleType::Zip);
    let mut deployment = deployment.clone().revision(&stands_in);
    if from.application.is_some() {
        deployment = deployment.application(LATER);
    }
    if from.group.is_some() {
        deployment = deployment.deployment_group(LATER);
    }
    let _ = found(deployment.build(), problems);
}

/// What is given and taken from an output as well.
fn twice(
    bundle: &BundleBuilder,
    deployment: &DeploymentBuilder,
    from: &FromStack,
    problems: &mut Vec<Cause>,
) {
    let both = [
        ("bucket", bundle.has_bucket(), &from.bucket),
        ("application", deployment.given("applicationName").is_some(), &from.application),
        ("deployment group", deployment.given("deploymentGroupName").is_some(), &from.group),
    ];
    for (what, given, output) in both {
        if let (true, Some(output)) = (given, output) {
            let message = format!(
                "the {what} is given, and is to be taken from the output {output} of the stack as well"
            );
            problems.push(Cause::invalid(what, message).with_hint("say one of them"));
        }
    }
}

/// Outputs that the template does not have. Of a template that others make something of, or that AWS reads itself, it is
/// not known which it has.
fn outputs(stack: &StackSpec, from: &FromStack, problems: &mut Vec<Cause>) {
    let Some(declared) = stack.outputs() else { return };
    let wanted =
        [("bucket", &from.bucket), ("application", &from.application), ("deployment group", &from.group)];
    for (what, output) in wanted {
        let Some(output) = output.as_ref().filter(|output| !declared.contains(&output.as_str())) else {
            continue;
        };
        let has = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
        let message = format!(
            "the {what} is to be the output {output} of the stack, and the template has no such output"
        );
        problems.push(Cause::invalid(what, message).with_hint(format!("its outputs are: {has}")));
    }
}

/// A revision that the deployment's own input names has to be the bundle: it is what is deployed.
fn revision(
    bundle: &BundleSpec,
    bucket_known: bool,
    deployment: &DeploymentBuilder,
    problems: &mut Vec<Cause>,
) {
    let Some(given) = deployment.given("revision") else { return };
    let field = "deployment file";
    let object = &given["s3Location"];
    let text = |name: &str| object[name].as_str();
    let same = given["revisionType"] == "S3"
        && bucket_known
        && text("bucket") == Some(bundle.bucket.as_str())
        && text("key") == bundle.fixed_key();
    if !same {
        let brought = match (bucket_known, bundle.fixed_key()) {
            (true, Some(key)) => format!("s3://{}/{key}", bundle.bucket),
            (true, None) => format!("an object in s3://{} whose key is made of its content", bundle.bucket),
            (false, _) => "an object in a bucket that the stack names".to_owned(),
        };
        let message = format!(
            "the input of the deployment names {}, and the bundle of this release is {brought}",
            crate::deployment::in_words(given)
        );
        let hint =
            "leave the revision out of the input: the bundle is what is deployed; or send the bundle there";
        problems.push(Cause::invalid(field, message).with_hint(hint));
        return;
    }
    let format = Value::from(bundle.format.name());
    let told = |name: &str| matches!(name, "bucket" | "key");
    for (name, value) in object.as_object().into_iter().flatten().filter(|(name, _)| !told(name)) {
        if name == "bundleType" && *value == format {
            continue;
        }
        let message = match name.as_str() {
            "bundleType" => format!(
                "the input of the deployment says bundleType {value}, and the bundle is packed as {format}"
            ),
            _ => {
                format!("the input of the deployment says {name} {value} of a bundle that is only packed now")
            }
        };
        problems.push(Cause::invalid(field, message).with_hint("leave it out of the revision"));
    }
}

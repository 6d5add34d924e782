//! What AWS's reasons mean, and what to do next. Texts are those that users have met; where one is documented the page
//! is named.

use landfall_core::{Cause, Context, Result};

use super::FailedEvent;
use crate::stack::client::{Client, allowed};
use crate::stack::target::short;
use crate::stack::template::Template;

/// A known reason: what it contains in lower case, the cause's code, and what to do.
struct Known {
    says: &'static [&'static str],
    code: &'static str,
    hint: &'static str,
}

/// The first row of which every word stands in the reason counts.
const KNOWN: [Known; 20] = [
    Known {
        says: &["hook(s) failed"],
        code: "hook-refused",
        hint: "a hook of the account or organisation refuses the resource: do what it says, or ask whoever keeps the hook",
    },
    Known {
        says: &["signal"],
        code: "signal-missing",
        hint: "the instances did not report success in time: see /var/log/cloud-init-output.log and /var/log/cfn-init.log on \
               one of them (`aws ec2 get-console-output --instance-id ...`), whether UserData reaches cfn-signal and names \
               this stack and resource, and whether the subnet has a way to CloudFormation; keep the instances with \
               on-stack-failure=keep",
    },
    Known {
        says: &["export", "in use by"],
        code: "export-in-use",
        hint: "other stacks import this value: change or delete those first",
    },
    Known {
        says: &["circular dependency"],
        code: "circular-dependency",
        hint: "two resources need each other: take one reference out, for example with a security group rule of its own",
    },
    Known {
        says: &["template format error"],
        code: "template-invalid",
        hint: "the template of a nested stack is meant if it is not this one",
    },
    Known {
        says: &["denied by stack policy"],
        code: "stack-policy",
        hint: "the stack policy forbids this update of the resource: change the policy on purpose \
               (`aws cloudformation set-stack-policy`), or take the change out of the template",
    },
    Known {
        says: &["not authorized to perform"],
        code: "access-denied",
        hint: "allow that action to the principal named there: the stack's service role, or the caller where there is none",
    },
    Known {
        says: &["handlererrorcode: accessdenied"],
        code: "access-denied",
        hint: "allow what the resource needs to the stack's service role, or to the caller where there is none; CloudTrail \
               names the action",
    },
    Known {
        says: &["access denied"],
        code: "access-denied",
        hint: "allow what the resource needs to the stack's service role, or to the caller where there is none; CloudTrail \
               names the action",
    },
    Known {
        says: &["handlererrorcode: alreadyexists"],
        code: "already-exists",
        hint: "a resource of this name exists already: let the stack take it over with import-existing (the template must \
               retain it), give it another name, or delete it if it is left over from an earlier try",
    },
    Known {
        says: &["already exists"],
        code: "already-exists",
        hint: "a resource of this name exists already: let the stack take it over with import-existing (the template must \
               retain it), give it another name, or delete it if it is left over from an earlier try; \
               retain-except-on-create keeps failed tries from leaving any",
    },
    Known {
        says: &["servicelimitexceeded"],
        code: "quota-exceeded",
        hint: "a quota of the service is used up: delete what is not needed, or ask for more in Service Quotas",
    },
    Known {
        says: &["limit", "exceeded"],
        code: "quota-exceeded",
        hint: "a quota of the service is used up: delete what is not needed, or ask for more in Service Quotas",
    },
    Known {
        says: &["not empty"],
        code: "bucket-not-empty",
        hint: "empty it first, all versions included (`aws s3 rm s3://... --recursive`), or leave it behind by \
               `--retain-resources` or `DeletionPolicy: Retain`",
    },
    Known {
        says: &["dependencyviolation"],
        code: "still-in-use",
        hint: "something outside of the stack uses it, often a network interface of a function or load balancer: \
               `aws ec2 describe-network-interfaces` names it; delete that first, or leave the resource behind",
    },
    Known {
        says: &["has a dependent object"],
        code: "still-in-use",
        hint: "something outside of the stack uses it, often a network interface of a function or load balancer: \
               `aws ec2 describe-network-interfaces` names it; delete that first, or leave the resource behind",
    },
    Known {
        says: &["notstabilized"],
        code: "not-stabilized",
        hint: "it was made and did not become ready in time: look at the resource itself in its service",
    },
    Known {
        says: &["returned message: null"],
        code: "no-message",
        hint: "the service gave no reason to CloudFormation: CloudTrail has the call that failed",
    },
    Known {
        says: &["rate exceeded"],
        code: "throttled",
        hint: "other calls use up the account's rate: deploy fewer stacks at once and try again",
    },
    Known {
        says: &["handlererrorcode: invalidrequest"],
        code: "invalid-property",
        hint: "the service refuses a property: the reason names it; the resource's page in the template reference tells what \
               it may be",
    },
];

fn known(reason: &str) -> Option<&'static Known> {
    let lower = reason.to_lowercase();
    KNOWN.iter().find(|known| known.says.iter().all(|word| lower.contains(word)))
}

/// The cause behind one failed resource.
pub(super) fn of_failure(failure: &FailedEvent, template: Option<&Template>) -> Cause {
    if failure.event_type.as_deref() == Some("VALIDATION_ERROR") || failure.property.is_some() {
        return of_validation(failure, template);
    }
    let reason = if failure.reason.is_empty() { "CloudFormation gives no reason" } else { &failure.reason };
    let status = if failure.status.is_empty() { String::new() } else { format!(" {}", failure.status) };
    let message = format!("{} ({}){status}: {reason}", failure.path, failure.kind);
    let hook = failure.event_type.as_deref().filter(|kind| *kind == "HOOK_INVOCATION_ERROR");
    let (code, hint) = match (hook, known(reason)) {
        (Some(_), _) => (
            "hook-refused",
            "a hook of the account or organisation refuses the resource: its reason says what it wants; `aws \
             cloudformation get-hook-result` tells more",
        ),
        (None, Some(known)) => (known.code, known.hint),
        (None, None) => {
            ("resource-failed", "the reason above is the service's own: mend what it names and deploy again")
        }
    };
    let mut cause = Cause::new(code, message).with_hint(hint);
    if let Some(at) =
        template.filter(|_| !failure.path.contains('.')).and_then(|all| all.place_of(&failure.logical))
    {
        cause = cause.at(at);
    }
    if code == "signal-missing" && !failure.physical.is_empty() {
        cause = cause.with_evidence([format!("physical id: {}", failure.physical)]);
    }
    cause
}

const NOT_VALID: &str =
    "nothing was changed: mend the property; should the validation be wrong, disable-validation turns it off";

const NAME_TAKEN: &str = "nothing was changed: let the stack take the resource over with import-existing (the template must \
                          retain it, by `DeletionPolicy: Retain`, and name it without a function), or give it another name";

/// What CloudFormation found wrong before it changed anything.
fn of_validation(failure: &FailedEvent, template: Option<&Template>) -> Cause {
    let path = failure.property.as_deref().unwrap_or_default();
    let mode = failure.mode.as_deref().unwrap_or("FAIL");
    let name = if failure.path.is_empty() { "the template" } else { &failure.path };
    let exists = failure.reason.contains("already exists");
    let (code, hint) = match mode {
        "WARN" => ("validation-warning", NOT_VALID),
        _ if exists => ("already-exists", NAME_TAKEN),
        _ => ("early-validation", NOT_VALID),
    };
    let cause = Cause::new(
        code,
        format!("{name} ({}) does not pass validation ({mode}) at {path}: {}", failure.kind, failure.reason),
    )
    .in_field(path)
    .with_hint(hint);
    match template.and_then(|all| all.place_of(&failure.logical)) {
        Some(at) => cause.at(at),
        None => cause,
    }
}

/// A failure of the way back.
pub(super) fn of_rollback(failure: &FailedEvent) -> Cause {
    let message = format!(
        "then the rollback failed on {} ({}) {}: {}",
        failure.path, failure.kind, failure.status, failure.reason
    );
    // ContinueUpdateRollback wants a nested stack's resource behind the name of that stack, and not behind its logical id.
    let skip = match failure.path.contains('.') {
        true => format!("{}.{}", short(&failure.stack_id), failure.logical),
        false => failure.logical.clone(),
    };
    Cause::new("rollback-failed", message).with_hint(format!(
        "mend what it failed on, then `aws cloudformation continue-update-rollback`; with `--resources-to-skip {skip}` the \
         resource is left as it is and then differs from the template, as it does after a forced rollback"
    ))
}

/// The reason of the stack itself, when no resource gives one.
pub(super) fn of_stack(reason: &str) -> Cause {
    match known(reason) {
        Some(known) => Cause::new(known.code, reason).with_hint(known.hint),
        None => Cause::new("stack-failed", reason)
            .with_hint("no failed resource was seen: look at the events of the stack in the console"),
    }
}

/// Says which stacks use an export that is in the way.
pub(super) async fn name_importers(client: &Client, cx: &Context, causes: &mut [Cause]) -> Result<()> {
    for cause in causes.iter_mut().filter(|cause| cause.code == "export-in-use") {
        // "Export NAME cannot be deleted as it is in use by STACK".
        let after = cause.message.split("Export ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let Some(export) = after.map(str::to_owned) else { continue };
        let asked = client.importers(cx, &export).await;
        if let Ok(Some(importers)) = allowed(cx, "cloudformation:ListImports", asked)
            && !importers.is_empty()
        {
            *cause =
                cause.clone().with_evidence([format!("{export} is imported by: {}", importers.join(", "))]);
        }
    }
    Ok(())
}

//! A refusal in landfall's words, with what to do about it.

use landfall_core::{Cause, Error, ErrorKind};

use super::call::Asked;
use super::mask::Mask;
use super::meaning::{Meaning, Rule};
use super::status::Status;

/// What comes of a request.
pub type Answered<T> = Result<T, Fault>;

/// Why a request gave nothing.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The server said no.
    Refused(Box<Refusal>),
    /// There was no answer, or none that makes sense.
    Failed(Error),
}

/// An answer that says no.
#[derive(Debug, Clone)]
pub struct Refusal {
    asked: Asked,
    status: Status,
    meaning: Meaning,
}

impl Refusal {
    /// What the server said to this request, without what the mask hides.
    pub(super) fn new(asked: Asked, status: Status, mask: &Mask) -> Self {
        let status = mask.status(status);
        let meaning = Meaning::of(&status);
        Self { asked, status, meaning }
    }

    /// What the server said. Values of a Secret that was sent are not in it.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What that means.
    #[must_use]
    pub fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// The refusal for a person.
    #[must_use]
    pub fn error(&self) -> Error {
        let text = match self.status.message.trim() {
            "" => format!("the server gives no reason (HTTP {})", self.status.code),
            text => text.to_owned(),
        };
        let error = Error::new(self.kind(), format!("{}: {text}", self.asked));
        let error = error.with_causes(self.causes());
        match self.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn kind(&self) -> ErrorKind {
        match &self.meaning {
            Meaning::NotAllowed(_) => ErrorKind::Denied,
            Meaning::Anonymous => ErrorKind::Auth,
            Meaning::NamespaceMissing(_) | Meaning::KindMissing | Meaning::ObjectMissing => {
                ErrorKind::NotFound
            }
            Meaning::FieldConflict | Meaning::Exists | Meaning::Stale | Meaning::Expired => {
                ErrorKind::Conflict
            }
            Meaning::UnknownFields(_) | Meaning::Malformed | Meaning::NoDryRun | Meaning::Invalid => {
                ErrorKind::Rejected
            }
            Meaning::Immutable | Meaning::TooLarge | Meaning::Denied | Meaning::Quota => ErrorKind::Rejected,
            Meaning::NamespaceEnds => ErrorKind::Rejected,
            Meaning::Overloaded => ErrorKind::Throttled,
            meaning if meaning.passes() => ErrorKind::Transient,
            _ if self.status.code >= 500 => ErrorKind::Transient,
            _ => ErrorKind::Rejected,
        }
    }

    /// Each single problem that the server names, with its field.
    fn causes(&self) -> Vec<Cause> {
        let unknown = match &self.meaning {
            Meaning::UnknownFields(fields) => fields.as_slice(),
            _ => &[],
        };
        let unknown = unknown.iter().map(|field| {
            Cause::new("unknown-field", format!("the kind has no field {field}")).in_field(field.as_str())
        });
        let named =
            self.status.details.causes.iter().filter(|cause| !cause.message.is_empty()).map(|cause| {
                let told = Cause::new("refused-field", &cause.message);
                if cause.field.is_empty() { told } else { told.in_field(cause.field.trim_start_matches('.')) }
            });
        unknown.chain(named).collect()
    }

    fn hint(&self) -> Option<String> {
        let namespace = self.asked.namespace.as_deref().unwrap_or("default");
        Some(match &self.meaning {
            Meaning::NotAllowed(rule) => allow(rule.as_ref()),
            Meaning::Anonymous => {
                "the token did not arrive: a proxy between here and the API server takes the Authorization header out".to_owned()
            }
            Meaning::NamespaceEnds => format!(
                "wait until the namespace is gone (kubectl get namespace {namespace}), then run again; if it stays, its finalizers \
                 say what it waits for"
            ),
            Meaning::NamespaceMissing(name) => {
                format!("add the Namespace {name} to the manifests, or create it: kubectl create namespace {name}")
            }
            Meaning::Quota => format!(
                "make room or raise the quota: kubectl describe resourcequota --namespace {namespace} shows what is used"
            ),
            Meaning::Denied => "change the manifest as the text says, or ask those who own that policy".to_owned(),
            Meaning::KindMissing => {
                "check apiVersion and kind; a custom kind needs its CustomResourceDefinition, among the manifests or in the cluster"
                    .to_owned()
            }
            Meaning::UnknownFields(_) => {
                "check the spelling and the indentation of the field, and that the cluster's version has it (kubectl explain)"
                    .to_owned()
            }
            Meaning::Immutable => {
                "put the old value back, give the object another name, or have it deleted and made anew, with consent".to_owned()
            }
            Meaning::TooLarge => "split the object: the server stores about 1.5 MiB of one".to_owned(),
            Meaning::Stale => "somebody else changed it at the same time: run again".to_owned(),
            Meaning::Webhook => {
                "look at the Service and the pods behind that webhook; a controller that is being rolled out is back in a minute"
                    .to_owned()
            }
            _ => return None,
        })
    }
}

/// What would let us do it.
fn allow(rule: Option<&Rule>) -> String {
    let Some(Rule { verb, resource, group, namespace }) = rule else {
        return "give the role that signs in the right to do that, by an access policy of its access entry or by RBAC".to_owned();
    };
    let (kind, place) = match namespace {
        Some(namespace) => ("Role", format!(" in namespace {namespace}")),
        None => ("ClusterRole", String::new()),
    };
    format!(
        "add this rule to a {kind}{place} that is bound to the user or to a group of its access entry: {{apiGroups: [\"{group}\"], \
         resources: [\"{resource}\"], verbs: [\"{verb}\"]}}; EKS's access policies cover Kubernetes' own kinds, and custom kinds \
         need such a rule"
    )
}

impl Fault {
    /// What the refusal means, if it is one.
    #[must_use]
    pub fn meaning(&self) -> Option<&Meaning> {
        match self {
            Self::Refused(refusal) => Some(refusal.meaning()),
            Self::Failed(_) => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => refusal.error(),
            Fault::Failed(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use landfall_core::ErrorKind;

    use super::super::call::Asked;
    use super::super::mask::Mask;
    use super::super::status::Status;
    use super::Refusal;

    fn refusal(code: u16, body: &str) -> Refusal {
        let asked = Asked::of("cannot be applied", "Deployment shop/web", Some("shop"));
        Refusal::new(asked, Status::read(code, body.as_bytes()), &Mask::default())
    }

    #[test]
    fn a_missing_right_is_told_with_the_rule_that_gives_it() {
        let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,
            "message":"deployments.apps \"web\" is forbidden: User \"ci\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
            "details":{"name":"web","group":"apps","kind":"deployments"}}"#;
        let error = refusal(403, body).error();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(
            error.message().starts_with("Deployment shop/web cannot be applied: deployments.apps"),
            "{error}"
        );
        let hint = error.hint().unwrap();
        let rule = r#"a Role in namespace shop"#;
        assert!(hint.contains(rule), "{hint}");
        assert!(
            hint.contains(r#"{apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]}"#),
            "{hint}"
        );
    }

    #[test]
    fn each_field_that_is_wrong_is_told() {
        let body = r#"{"kind":"Status","reason":"Invalid","code":422,"message":"Deployment.apps \"web\" is invalid","details":{"causes":[
            {"reason":"FieldValueRequired","message":"Required value","field":"spec.selector"},
            {"reason":"FieldValueInvalid","message":"Invalid value: -1: must be greater than or equal to 0","field":"spec.replicas"}]}}"#;
        let error = refusal(422, body).error();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        let told: Vec<String> = error.causes().iter().map(|cause| cause.report()).collect();
        assert_eq!(
            told,
            [
                "spec.selector: Required value",
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
            ]
        );
    }

    #[test]
    fn what_passes_and_what_does_not_differ_in_kind() {
        let text = |message: &str| format!(r#"{{"kind":"Status","message":"{message}"}}"#);
        for (code, message, kind) in [
            (500, "failed calling webhook x", ErrorKind::Transient),
            (500, "anything", ErrorKind::Transient),
            (
                500,
                "failed to create typed patch object (x): .spce: field not declared in schema",
                ErrorKind::Rejected,
            ),
            (503, "", ErrorKind::Transient),
            (429, "", ErrorKind::Throttled),
            (404, "the server could not find the requested resource", ErrorKind::NotFound),
            (409, "the object has been modified", ErrorKind::Conflict),
            (405, "the server does not allow this method", ErrorKind::Rejected),
        ] {
            assert_eq!(refusal(code, &text(message)).error().kind(), kind, "{code} {message}");
        }
    }

    #[test]
    fn an_answer_that_is_no_status_is_told_as_it_is() {
        let error = refusal(502, "<html>bad gateway</html>").error();
        assert_eq!(error.message(), "Deployment shop/web cannot be applied: <html>bad gateway</html>");
        let error = refusal(502, "").error();
        assert!(error.message().ends_with("the server gives no reason (HTTP 502)"), "{error}");
    }
}

//! What is done for a request that has been let in.

use http::header;
use serde_json::{Value, json};

use super::access::User;
use super::asked::{Path, Place};
use super::exchange::Asked;
use super::kinds::KindRef;
use super::read::select::Selection;
use super::read::watch::Watch;
use super::refusal::{Problem, Refusal};
use super::state::ClusterState;
use super::write::{DeleteOptions, Options, PatchKind, Validation, Written};

/// The server's warning about a Job that is deleted without a word about its pods.
const PODS_STAY: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
                         remove them or set propagationPolicy=Orphan to suppress this warning";

/// What came of a request.
pub(super) enum Performed {
    Object { object: Value, created: bool, warnings: Vec<String> },
    Text { content_type: &'static str, body: String },
    Watch { watch: Box<Watch>, first: Vec<Value> },
}

impl Performed {
    fn of(object: Value) -> Self {
        Self::Object { object, created: false, warnings: Vec::new() }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Object { created: true, .. } => 201,
            _ => 200,
        }
    }
}

impl From<Written> for Performed {
    fn from(written: Written) -> Self {
        Self::Object { object: written.object, created: written.created, warnings: written.warnings }
    }
}

impl ClusterState {
    /// Does what is asked for.
    pub(super) fn perform(&mut self, asked: &Asked, user: &User) -> Result<Performed, Refusal> {
        let place = match &asked.path {
            Path::Other(words) => {
                if asked.verb != "get" {
                    return Err(Refusal::method_not_allowed());
                }
                let document = self.document(words, asked.header(header::ACCEPT))?;
                return Ok(Performed::Text { content_type: document.content_type, body: document.body });
            }
            Path::Object(place) => place,
        };
        if place.group == "authorization.k8s.io" && place.plural == "selfsubjectaccessreviews" {
            return self.review(asked, user);
        }
        let kind = self.kinds.find(&place.group, &place.version, &place.plural).cloned();
        let kind = kind.ok_or_else(Refusal::no_such_path)?;
        let in_namespace = !place.namespace.is_empty();
        let misplaced = if kind.namespaced { !in_namespace && !place.name.is_empty() } else { in_namespace };
        let unknown = !place.subresource.is_empty() && !kind.has(&place.subresource);
        if misplaced || unknown {
            return Err(Refusal::no_such_resource());
        }
        match asked.verb {
            "get" | "list" | "watch" => self.look_up(&kind, place, asked),
            "delete" | "deletecollection" => self.remove(&kind, place, asked),
            _ => self.write(&kind, place, asked, user),
        }
    }

    fn look_up(&self, kind: &KindRef, place: &Place, asked: &Asked) -> Result<Performed, Refusal> {
        let (namespace, name) = (place.namespace.as_str(), place.name.as_str());
        if asked.verb == "watch" {
            let (watch, first) = self.watch(kind, (namespace, name), &asked.query)?;
            return Ok(Performed::Watch { watch: Box::new(watch), first });
        }
        match place.subresource.as_str() {
            "log" => {
                let body = self.logs(namespace, name, &asked.query)?;
                return Ok(Performed::Text { content_type: "text/plain", body });
            }
            "scale" => return self.scale(kind, namespace, name).map(Performed::of),
            _ => {}
        }
        let object = if name.is_empty() {
            self.list(kind, namespace, &asked.query)?
        } else {
            self.get(kind, namespace, name)?
        };
        Ok(Performed::of(partial(object, asked.header(header::ACCEPT))))
    }

    fn write(
        &mut self,
        kind: &KindRef,
        place: &Place,
        asked: &Asked,
        user: &User,
    ) -> Result<Performed, Refusal> {
        let (namespace, name) = (place.namespace.as_str(), place.name.as_str());
        let mut options = options(place, asked, user)?;
        let written = match asked.verb {
            "create" if name.is_empty() && !(kind.namespaced && namespace.is_empty()) => {
                self.create(kind, namespace, document(asked)?, &options)
            }
            "update" if !name.is_empty() => self.update(kind, namespace, name, document(asked)?, &options),
            "patch" if !name.is_empty() => {
                let how = PatchKind::of(asked.header(header::CONTENT_TYPE))?;
                if how == PatchKind::Apply {
                    // Nobody is a field manager by chance.
                    asked.query.text("fieldManager").clone_into(&mut options.manager);
                    if options.manager.is_empty() && user.trusted {
                        options.manager.clone_from(&user.name);
                    }
                } else if asked.query.has("force") {
                    let why = Problem::forbidden("force", "may not be specified for non-apply patch");
                    return Err(Refusal::invalid_options("PatchOptions", why));
                }
                self.patch(kind, (namespace, name), how, document(asked)?, &options)
            }
            _ => Err(Refusal::method_not_allowed()),
        };
        written.map(Performed::from)
    }

    fn remove(&mut self, kind: &KindRef, place: &Place, asked: &Asked) -> Result<Performed, Refusal> {
        let body = if asked.body.is_empty() { json!({}) } else { document(asked)? };
        let mut options = DeleteOptions::of(&body);
        let query = &asked.query;
        options.dry_run |= dry_run(query.text("dryRun"), "DeleteOptions")?;
        if options.propagation.is_empty() {
            query.text("propagationPolicy").clone_into(&mut options.propagation);
        }
        // Of batch/v1 alone the dependents stay by default, as they did before garbage collection.
        let mut warnings = Vec::new();
        if options.propagation.is_empty() && kind.is("batch", "jobs") {
            "Orphan".clone_into(&mut options.propagation);
            warnings.push(PODS_STAY.to_owned());
        }
        options.grace_seconds = options.grace_seconds.or_else(|| query.number("gracePeriodSeconds"));
        let namespace = place.namespace.as_str();
        if !place.subresource.is_empty() {
            return Err(Refusal::method_not_allowed());
        }
        if !place.name.is_empty() {
            let object = self.delete(kind, namespace, &place.name, &options)?;
            return Ok(Performed::Object { object, created: false, warnings });
        }
        let selection = Selection::of(query)?;
        let list = self.list(kind, namespace, query)?;
        let meant: Vec<(String, String)> = self
            .store
            .of_kind(&kind.group, &kind.plural, namespace)
            .filter(|(_, object)| selection.takes(object))
            .map(|(key, _)| (key.namespace.clone(), key.name.clone()))
            .collect();
        for (namespace, name) in meant {
            self.delete(kind, &namespace, &name, &options)?;
        }
        Ok(Performed::Object { object: list, created: false, warnings })
    }

    /// Whether the caller may do something: SelfSubjectAccessReview.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>
    fn review(&mut self, asked: &Asked, user: &User) -> Result<Performed, Refusal> {
        if asked.verb != "create" {
            return Err(Refusal::method_not_allowed());
        }
        let mut review = document(asked)?;
        let attributes = &review["spec"]["resourceAttributes"];
        let text = |name: &str| attributes[name].as_str().unwrap_or_default().to_owned();
        let place = Place {
            group: text("group"),
            version: text("version"),
            plural: text("resource"),
            namespace: text("namespace"),
            name: text("name"),
            subresource: text("subresource"),
        };
        let allowed = self.authorise(user, &text("verb"), &Path::Object(place), "").is_ok();
        review["status"] = json!({ "allowed": allowed });
        Ok(Performed::Object { object: review, created: true, warnings: Vec::new() })
    }
}

fn options(place: &Place, asked: &Asked, user: &User) -> Result<Options, Refusal> {
    let query = &asked.query;
    let named = query.text("fieldManager");
    // Without a name the manager is the program, as its user agent begins.
    let agent = asked.header(header::USER_AGENT).split('/').next().unwrap_or_default();
    let manager = match (named, agent) {
        ("", _) if user.trusted => user.name.as_str(),
        ("", "") => "unknown",
        ("", agent) => agent,
        (named, _) => named,
    };
    let validation = match query.text("fieldValidation") {
        "Strict" => Validation::Strict,
        "" | "Warn" => Validation::Warn,
        "Ignore" => Validation::Ignore,
        other => {
            let supported = ["Ignore", "Warn", "Strict"];
            let problem = Problem::unsupported("fieldValidation", &json!(other), &supported);
            return Err(Refusal::invalid_options("PatchOptions", problem));
        }
    };
    Ok(Options {
        manager: manager.to_owned(),
        subresource: place.subresource.clone(),
        dry_run: dry_run(query.text("dryRun"), "PatchOptions")?,
        force: query.flag("force"),
        validation,
    })
}

fn dry_run(text: &str, options: &str) -> Result<bool, Refusal> {
    match text {
        "" => Ok(false),
        "All" => Ok(true),
        other => {
            let problem = Problem::unsupported("dryRun", &json!([other]), &["All"]);
            Err(Refusal::invalid_options(options, problem))
        }
    }
}

/// The body. JSON only: it is YAML too, which is all that a client needs to send.
fn document(asked: &Asked) -> Result<Value, Refusal> {
    serde_json::from_slice(&asked.body).map_err(|error| {
        Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {error}",
            asked.verb
        ))
    })
}

/// Only the metadata, where the client takes no more.
fn partial(object: Value, accept: &str) -> Value {
    let of = |object: &Value| json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] });
    if !accept.contains("as=PartialObjectMetadata") {
        return object;
    }
    match object["items"].as_array().filter(|_| accept.contains("as=PartialObjectMetadataList")) {
        Some(items) => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"],
            "items": items.iter().map(of).collect::<Vec<Value>>()
        }),
        None => of(&object),
    }
}

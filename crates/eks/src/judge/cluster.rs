//! What the API server itself needs to be ready: namespaces, definitions of custom resources, APIs of other servers.

use landfall_core::Cause;

use super::{Judgement, by_condition};
use crate::facts::{Object, command};

pub(super) fn namespace(object: Object<'_>) -> Judgement {
    match object.at("status.phase").text_or_empty() {
        "Active" => Judgement::ready(),
        phase => Judgement::waiting(format!(
            "it to be Active; it is {}",
            if phase.is_empty() { "new" } else { phase }
        )),
    }
}

/// A CustomResourceDefinition is served when it is established. The reason `Installing` is the way there.
pub(super) fn definition(object: Object<'_>) -> Judgement {
    let refused = object.condition("NamesAccepted").filter(|condition| condition.is("False"));
    if let Some(condition) = refused {
        let text = format!("the names of {} are taken{}", object.named(), condition.why());
        let cause = Cause::new("names-not-accepted", text);
        return Judgement::failed(cause.with_hint(
            "another definition has these names: `kubectl get crd` lists them; give this one others, or delete that one",
        ));
    }
    let Some(established) = object.condition("Established") else {
        return Judgement::waiting("the API server to serve it");
    };
    if established.is("False") && !matches!(established.reason, "Installing" | "") {
        let text = format!("{} is not established{}", object.named(), established.why());
        return Judgement::failed(Cause::new("not-established", text).with_hint(command::describe(object)));
    }
    by_condition(object, established)
}

/// An APIService: its server answers.
pub(super) fn api_service(object: Object<'_>) -> Judgement {
    match object.condition("Available") {
        Some(condition) => by_condition(object, condition),
        None => Judgement::waiting("the API server to try it"),
    }
}

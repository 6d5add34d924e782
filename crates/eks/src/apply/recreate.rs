//! Whether an object may be deleted and made anew when it has to change in a field that cannot be changed.

use crate::input::Manifest;

/// The annotation that allows it (`"true"`) or forbids it (`"false"`). Without it only Jobs are made anew: their
/// template can never be changed, and their pods have ended or are replaced by what the new Job does.
pub const RECREATE: &str = "landfall/recreate";

/// Whether it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Consent {
    Given,
    /// What to do to give it.
    Missing(String),
}

/// Whether an object may be made anew.
pub(crate) fn consent(manifest: &Manifest) -> Consent {
    let is_job = manifest.is("batch", "Job");
    match manifest.annotation(RECREATE).map(str::trim) {
        Some("true") => Consent::Given,
        None if is_job => Consent::Given,
        _ => {
            let lost = lost(manifest);
            Consent::Missing(format!(
                "put the old value back, or give the object another name; the annotation {RECREATE}: \"true\" has it deleted and \
                 made anew{lost}"
            ))
        }
    }
}

/// What goes with an object of this kind.
fn lost(manifest: &Manifest) -> &'static str {
    match (manifest.group(), manifest.kind()) {
        ("", "PersistentVolumeClaim") => ", and the data of the volume may go with it",
        ("", "Service") => ", with a new address, and a new load balancer if it has one",
        ("apps", "StatefulSet") => ", with all of its pods at once; its volumes stay",
        ("apps", "Deployment" | "DaemonSet") => ", with all of its pods at once",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Consent, consent};
    use crate::input::ManifestSet;

    #[test]
    fn only_jobs_are_made_anew_without_being_asked_for() {
        for (version, kind, annotation, given) in [
            ("batch/v1", "Job", "", true),
            ("batch/v1", "Job", "landfall/recreate: 'false'", false),
            ("example.com/v1", "Job", "", false),
            ("apps/v1", "Deployment", "", false),
            ("apps/v1", "Deployment", "landfall/recreate: 'true'", true),
            ("v1", "PersistentVolumeClaim", "", false),
            ("v1", "Service", "landfall/recreate: 'yes'", false),
        ] {
            let text = format!(
                "{{apiVersion: {version}, kind: {kind}, metadata: {{name: a, annotations: {{{annotation}}}}}}}"
            );
            let manifests = ManifestSet::builder().text("m.yaml", text).read().unwrap();
            let consent = consent(&manifests.objects()[0]);
            assert_eq!(consent == Consent::Given, given, "{version} {kind} {annotation}");
            if let Consent::Missing(hint) = consent {
                assert!(hint.contains("landfall/recreate: \"true\""), "{hint}");
            }
        }
    }
}

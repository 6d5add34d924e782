//! In which order objects are applied, and what is waited for in between. Nothing is asked of the cluster here.
//!
//! | stage | what | then waits |
//! |---|---|---|
//! | 0 | Namespaces, CustomResourceDefinitions | until they can be used |
//! | 1 | classes, quotas, limits, network policies, service accounts, roles and bindings | |
//! | 2 | ConfigMaps, Secrets, volumes and claims, Services | |
//! | 3 | what is annotated `early` | until it is ready |
//! | 4 | what is annotated `pre-deploy` | until it is ready: a failure here stops the run before anything is rolled out |
//! | 5 | workloads, disruption budgets, autoscalers, and all other kinds | |
//! | 6 | Ingresses, Gateways and their routes, APIServices | |
//! | 7 | admission webhooks and policies, which could refuse what came before | |
//! | 8 | what is annotated `post-deploy` | |
//!
//! The annotation [`WAVE`] puts an object into another stage: `early`, `pre-deploy`, `post-deploy`, or the stage's
//! number. [`DEPENDS_ON`] names objects that have to be ready first. Before stage 8 everything is waited for. Where
//! nothing is waited for, the next wave begins when the one before it was applied.

use std::collections::BTreeMap;

use landfall_core::{Cause, Error, Result};

use crate::input::Manifest;

/// The annotation that names the stage of an object: `early`, `pre-deploy`, `post-deploy`, or a number from 0 to 8.
pub const WAVE: &str = "landfall/wave";

/// The annotation that names objects which have to be ready before this one is applied, separated by commas:
/// `Kind/name` in the same namespace (or for objects of the cluster), `Kind/namespace/name` in another.
pub const DEPENDS_ON: &str = "landfall/depends-on";

const FOUNDATIONS: u8 = 0;
const RULES: u8 = 1;
const DATA: u8 = 2;
const EARLY: u8 = 3;
const PRE_DEPLOY: u8 = 4;
const WORKLOADS: u8 = 5;
const TRAFFIC: u8 = 6;
const ADMISSION: u8 = 7;
const POST_DEPLOY: u8 = 8;

/// Objects that are applied at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The stage, 0 to 8. Several waves may be of one stage, where objects of it depend on each other.
    pub stage: u8,
    /// Which objects, by their place among the manifests.
    pub objects: Vec<usize>,
    /// Which of all objects so far have to be ready before the next wave begins.
    pub wait_for: Vec<usize>,
}

/// The waves of a release, each with one object at least.
///
/// # Errors
/// [`landfall_core::ErrorKind::Invalid`] with every annotation that cannot be followed: stages that there are not,
/// objects that are not among the manifests, and objects that wait for each other.
pub fn order(manifests: &[Manifest]) -> Result<Vec<Wave>> {
    let mut problems = Vec::new();
    let stages: Vec<u8> = manifests.iter().map(|manifest| stage(manifest, &mut problems)).collect();
    let needs = dependencies(manifests, &mut problems);
    let keys = placed(manifests, &stages, &needs, &mut problems);
    Error::all("the order of the manifests cannot be kept; nothing was sent", problems)?;
    let mut groups: BTreeMap<(u8, usize), Vec<usize>> = BTreeMap::new();
    for (object, key) in keys.iter().enumerate() {
        groups.entry(*key).or_default().push(object);
    }
    let mut waves: Vec<Wave> = groups
        .into_iter()
        .map(|((stage, _), objects)| {
            let waits = matches!(stage, FOUNDATIONS | EARLY | PRE_DEPLOY);
            let needed = |object: &&usize| waits || needs.iter().flatten().any(|need| need == *object);
            let wait_for = objects.iter().filter(needed).copied().collect();
            Wave { stage, objects, wait_for }
        })
        .collect();
    wait_before_the_end(&mut waves);
    Ok(waves)
}

/// What comes after the deployment finds all of it ready.
fn wait_before_the_end(waves: &mut [Wave]) {
    let Some(end) = waves.iter().position(|wave| wave.stage == POST_DEPLOY).filter(|end| *end > 0) else {
        return;
    };
    let waited: Vec<usize> = waves[..end].iter().flat_map(|wave| wave.wait_for.clone()).collect();
    let all = waves[..end].iter().flat_map(|wave| wave.objects.clone());
    let open: Vec<usize> = all.filter(|object| !waited.contains(object)).collect();
    waves[end - 1].wait_for.extend(open);
}

fn stage(manifest: &Manifest, problems: &mut Vec<Cause>) -> u8 {
    let by_kind = stage_of(manifest.group(), manifest.kind());
    let Some(asked) = manifest.annotation(WAVE).map(str::trim) else { return by_kind };
    match asked {
        "early" => EARLY,
        "pre-deploy" => PRE_DEPLOY,
        "post-deploy" => POST_DEPLOY,
        number => match number.parse() {
            Ok(stage @ FOUNDATIONS..=POST_DEPLOY) => stage,
            _ => {
                let message = format!(
                    "the wave `{}` is none: early, pre-deploy, post-deploy, or a number from 0 to {POST_DEPLOY}",
                    number.escape_debug()
                );
                problems.push(manifest.wrong_annotation(WAVE, message));
                by_kind
            }
        },
    }
}

/// The stage of a kind.
#[must_use]
pub fn stage_of(group: &str, kind: &str) -> u8 {
    match (group, kind) {
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") => FOUNDATIONS,
        ("", "ResourceQuota" | "LimitRange" | "ServiceAccount")
        | ("networking.k8s.io", "NetworkPolicy")
        | ("storage.k8s.io", "CSIDriver")
        | ("rbac.authorization.k8s.io", _) => RULES,
        // StorageClass, PriorityClass, GatewayClass, EC2NodeClass: others name them.
        (_, kind) if kind.ends_with("Class") || kind.ends_with("ClassParams") => RULES,
        (
            "",
            "ConfigMap" | "Secret" | "PersistentVolume" | "PersistentVolumeClaim" | "Service" | "Endpoints",
        )
        | ("discovery.k8s.io", "EndpointSlice") => DATA,
        ("networking.k8s.io", "Ingress")
        | ("gateway.networking.k8s.io", _)
        | ("apiregistration.k8s.io", "APIService") => TRAFFIC,
        ("admissionregistration.k8s.io", _) => ADMISSION,
        _ => WORKLOADS,
    }
}

/// For each object those that it names, by their place.
fn dependencies(manifests: &[Manifest], problems: &mut Vec<Cause>) -> Vec<Vec<usize>> {
    manifests
        .iter()
        .map(|manifest| {
            let named = manifest.annotation(DEPENDS_ON).unwrap_or_default();
            let named = named.split(',').map(str::trim).filter(|name| !name.is_empty());
            named
                .filter_map(|name| {
                    let found = find(manifests, manifest, name);
                    if let Err(wrong) = &found {
                        problems.push(manifest.wrong_annotation(DEPENDS_ON, wrong));
                    }
                    found.ok()
                })
                .collect()
        })
        .collect()
}

/// The object that another one names.
fn find(manifests: &[Manifest], from: &Manifest, name: &str) -> Result<usize, String> {
    let parts: Vec<&str> = name.split('/').map(str::trim).collect();
    let (kind, namespace, object) = match parts.as_slice() {
        [kind, object] => (*kind, None, *object),
        [kind, namespace, object] => (*kind, Some(*namespace), *object),
        _ => {
            return Err(format!(
                "`{}` is not of the form Kind/name or Kind/namespace/name",
                name.escape_debug()
            ));
        }
    };
    let is_meant = |manifest: &&Manifest| {
        let place = match namespace {
            Some(namespace) => manifest.namespace() == Some(namespace),
            None => manifest.namespace().is_none() || manifest.namespace() == from.namespace(),
        };
        manifest.kind() == kind && manifest.name() == object && place
    };
    match manifests.iter().position(|manifest| is_meant(&manifest)) {
        Some(at) => Ok(at),
        None => Err(format!("`{}` is not among the manifests", name.escape_debug())),
    }
}

/// For each object its stage and its place within it, behind all that it needs.
fn placed(
    manifests: &[Manifest],
    stages: &[u8],
    needs: &[Vec<usize>],
    problems: &mut Vec<Cause>,
) -> Vec<(u8, usize)> {
    let mut keys: Vec<(u8, usize)> = stages.iter().map(|stage| (*stage, 0)).collect();
    // Each round moves at least one object one place back, and without a circle none more often than there are objects.
    for _ in 0..=manifests.len() {
        let mut moved = None;
        for (object, needs) in needs.iter().enumerate() {
            let behind = needs.iter().map(|need| (keys[*need].0, keys[*need].1 + 1)).max();
            if let Some(behind) = behind.filter(|behind| *behind > keys[object]) {
                keys[object] = behind;
                moved = Some(object);
            }
        }
        match moved {
            None => return keys,
            Some(object) if keys[object].1 > manifests.len() => break,
            Some(_) => {}
        }
    }
    let waiting: Vec<String> = circle(needs).iter().map(|object| manifests[*object].to_string()).collect();
    if let Some(first) = circle(needs).first() {
        let message = format!("these wait for each other: {}", waiting.join(" -> "));
        problems.push(manifests[*first].wrong_annotation(DEPENDS_ON, message));
    }
    keys
}

/// Objects that wait for each other, the first one again at the end; none when there is no circle.
fn circle(needs: &[Vec<usize>]) -> Vec<usize> {
    for start in 0..needs.len() {
        let (mut path, mut seen) = (vec![(start, 0)], vec![false; needs.len()]);
        while let Some((object, next)) = path.last_mut() {
            let Some(need) = needs[*object].get(*next).copied() else {
                path.pop();
                continue;
            };
            *next += 1;
            if need == start {
                return path.iter().map(|(object, _)| *object).chain([start]).collect();
            }
            if !std::mem::replace(&mut seen[need], true) {
                path.push((need, 0));
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::{Wave, order};
    use crate::input::ManifestSet;

    fn object(version: &str, kind: &str, name: &str, annotations: &str) -> String {
        format!(
            "---\n{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}, annotations: {{{annotations}}}}}}}\n"
        )
    }

    fn read(objects: &[String]) -> ManifestSet {
        ManifestSet::builder().text("all.yaml", objects.concat()).namespace("shop").read().unwrap()
    }

    /// Names in the order of their waves, `+` between those of one wave, and in brackets what is waited for.
    fn told(objects: &[String]) -> String {
        let manifests = read(objects);
        let name = |object: &usize| manifests.objects()[*object].name().to_owned();
        let wave = |wave: &Wave| {
            let names: Vec<String> = wave.objects.iter().map(name).collect();
            let waits: Vec<String> = wave.wait_for.iter().map(name).collect();
            let waits = if waits.is_empty() { String::new() } else { format!("[{}]", waits.join(" ")) };
            format!("{}:{}{waits}", wave.stage, names.join("+"))
        };
        order(manifests.objects()).unwrap().iter().map(wave).collect::<Vec<_>>().join(" ")
    }

    fn problems(objects: &[String]) -> Vec<String> {
        order(read(objects).objects()).unwrap_err().causes().iter().map(|cause| cause.report()).collect()
    }

    #[test]
    fn kinds_come_in_the_order_in_which_they_need_each_other() {
        let all = [
            object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "hook", ""),
            object("networking.k8s.io/v1", "Ingress", "way", ""),
            object("example.com/v1", "Widget", "custom", ""),
            object("apps/v1", "Deployment", "web", ""),
            object("v1", "ConfigMap", "settings", ""),
            object("rbac.authorization.k8s.io/v1", "Role", "role", ""),
            object("storage.k8s.io/v1", "StorageClass", "fast", ""),
            object("v1", "Namespace", "shop", ""),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", ""),
        ];
        assert_eq!(
            told(&all),
            "0:shop+widgets.example.com[shop widgets.example.com] 1:role+fast 2:settings 5:custom+web 6:way 7:hook"
        );
    }

    #[test]
    fn an_annotation_moves_an_object_and_what_has_to_be_ready_is_waited_for() {
        let all = [
            object("apps/v1", "Deployment", "web", ""),
            object("batch/v1", "Job", "migrate", "landfall/wave: pre-deploy"),
            object("external-secrets.io/v1", "ExternalSecret", "db", "landfall/wave: early"),
            object("v1", "ConfigMap", "late", "landfall/wave: '6'"),
        ];
        assert_eq!(told(&all), "3:db[db] 4:migrate[migrate] 5:web 6:late");
    }

    #[test]
    fn what_comes_after_the_deployment_finds_all_of_it_ready() {
        let all = [
            object("batch/v1", "Job", "smoke", "landfall/wave: post-deploy"),
            object("v1", "Namespace", "shop", ""),
            object("apps/v1", "Deployment", "web", ""),
            object("v1", "Service", "web", ""),
        ];
        assert_eq!(told(&all), "0:shop[shop] 2:web 5:web[web web] 8:smoke");
    }

    #[test]
    fn an_object_comes_behind_those_that_it_depends_on() {
        let all = [
            object("apps/v1", "Deployment", "web", "landfall/depends-on: 'StatefulSet/db, Job/shop/seed'"),
            object("batch/v1", "Job", "seed", "landfall/depends-on: StatefulSet/db"),
            object("apps/v1", "StatefulSet", "db", ""),
            object("v1", "ConfigMap", "report", "landfall/depends-on: Deployment/web"),
        ];
        assert_eq!(told(&all), "5:db[db] 5:seed[seed] 5:web[web] 5:report");
    }

    #[test]
    fn what_cannot_be_followed_is_told_with_its_place_all_at_once() {
        let all = [
            object("v1", "ConfigMap", "a", "landfall/wave: soon"),
            object("v1", "ConfigMap", "b", "landfall/wave: '9'"),
            object("v1", "ConfigMap", "c", "landfall/depends-on: 'Secret/none, nonsense'"),
        ];
        let told = problems(&all);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[0].starts_with("all.yaml:2:"), "{told:?}");
        assert!(told[0].contains("ConfigMap shop/a: the wave `soon` is none"), "{told:?}");
        assert!(told[2].contains("`Secret/none` is not among the manifests"), "{told:?}");
        assert!(told[3].contains("`nonsense` is not of the form Kind/name"), "{told:?}");
    }

    #[test]
    fn objects_that_wait_for_each_other_are_named() {
        let all = [
            object("v1", "ConfigMap", "x", "landfall/depends-on: ConfigMap/a"),
            object("v1", "ConfigMap", "a", "landfall/depends-on: ConfigMap/b"),
            object("v1", "ConfigMap", "b", "landfall/depends-on: ConfigMap/c"),
            object("v1", "ConfigMap", "c", "landfall/depends-on: ConfigMap/a"),
        ];
        let told = problems(&all);
        assert_eq!(told.len(), 1, "{told:?}");
        let circle = "ConfigMap shop/a -> ConfigMap shop/b -> ConfigMap shop/c -> ConfigMap shop/a";
        assert!(told[0].contains(circle), "{told:?}");
        let own = problems(&[object("v1", "ConfigMap", "a", "landfall/depends-on: ConfigMap/a")]);
        assert!(own[0].contains("ConfigMap shop/a -> ConfigMap shop/a"), "{own:?}");
    }
}

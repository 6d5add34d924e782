//! Images: put in by the name of the container, and checked before a node is asked to pull them.

use std::collections::{BTreeMap, BTreeSet};

use landfall_aws::{image, near};
use landfall_core::Cause;

use super::document::Node;
use super::objects::Manifest;

/// Gives every container of a name its image, in all pod templates.
pub(super) fn substitute(
    manifests: &mut [Manifest],
    images: &BTreeMap<String, String>,
    problems: &mut Vec<Cause>,
) {
    let mut used = BTreeSet::new();
    for container in manifests.iter_mut().flat_map(Manifest::containers_mut) {
        let name = container.member("name").and_then(Node::as_str).unwrap_or_default().to_owned();
        if let Some(image) = images.get(&name) {
            container.set("image", Node::text(image));
            used.insert(name);
        }
    }
    let there: BTreeSet<&str> = manifests
        .iter()
        .flat_map(Manifest::containers)
        .filter_map(|(_, container)| container.member("name")?.as_str())
        .collect();
    for name in images.keys().filter(|name| !used.contains(*name)) {
        problems.push(no_container(name, &there));
    }
}

fn no_container(name: &str, there: &BTreeSet<&str>) -> Cause {
    /// As many names as a person reads.
    const MOST: usize = 20;
    let known = match there.len() {
        0 => "there are no pod templates in the manifests".to_owned(),
        all => {
            let names: Vec<&str> = there.iter().copied().take(MOST).collect();
            let more = if all > MOST { format!(" and {} more", all - MOST) } else { String::new() };
            format!("containers in the manifests: {}{more}", names.join(", "))
        }
    };
    let cause = Cause::invalid(
        "image",
        format!("an image is given for container `{name}`, which there is not; {known}"),
    );
    match near::nearest(name, there.iter().copied()) {
        Some(other) => cause.with_hint(format!("did you mean `{other}`?")),
        None => cause,
    }
}

/// Checks the image of every container; what is missing altogether is for the server to say.
pub(super) fn check(manifests: &[Manifest], problems: &mut Vec<Cause>) {
    for manifest in manifests {
        for (path, container) in manifest.containers() {
            let Some(node) = container.member("image").filter(|node| !node.is_null()) else { continue };
            let field = format!("{path}.image");
            let wrong = match node.as_str() {
                Some(text) => image::check(text).err().map(|wrong| (wrong.message, wrong.hint)),
                None => {
                    let written = node.as_written().map(|text| format!(" (`{text}`)")).unwrap_or_default();
                    Some((
                        format!("the image is {}{written}, and not a string", node.kind()),
                        Some("put it in quotes".to_owned()),
                    ))
                }
            };
            if let Some((wrong, hint)) = wrong {
                let container = container.member("name").and_then(Node::as_str).unwrap_or("without a name");
                let mut problem =
                    manifest.problem(node.at, &field, format_args!("container {container}: {wrong}"));
                problem.hint = hint;
                problems.push(problem);
            }
        }
    }
}

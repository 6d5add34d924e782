//! The edits: images and tags.

use landfall_core::{Cause, Error, Result};

use super::json::{Json, Member, Node};
use super::{Document, image, near, path};

impl Document {
    /// Gives a container an image.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when there is no container of that name (the message lists those
    /// there are) or the image is not well-formed; the document is unchanged then.
    pub fn set_image(&mut self, container: &str, image: &str) -> Result<()> {
        let field = path::member(&path::named("containerDefinitions", container), "image");
        let refused = || Error::invalid(format!("cannot set the image of container `{container}`"));
        if let Err(cause) = image::check(image) {
            return Err(refused().with_cause(cause.in_field(field)));
        }
        match self.containers_mut().iter_mut().find(|node| node.text("name") == Some(container)) {
            Some(node) => node.set("image", Node::string(image)),
            None => return Err(refused().with_cause(self.no_container(container))),
        }
        Ok(())
    }

    /// Gives every container the same image.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when the image is not well-formed; the document is unchanged then.
    pub fn set_image_for_all(&mut self, image: &str) -> Result<()> {
        if let Err(cause) = image::check(image) {
            return Err(Error::invalid("cannot set the image of all containers").with_cause(cause));
        }
        for container in self.containers_mut() {
            container.set("image", Node::string(image));
        }
        Ok(())
    }

    /// Sets a tag of the task definition; [`Document::finish`] checks the limits.
    pub fn set_tag(&mut self, key: &str, value: &str) {
        if !self.root.member("tags").is_some_and(Node::is_array) {
            self.root.set("tags", Node::new(Json::Array(Vec::new())));
        }
        let Some(tags) = self.root.member_mut("tags").and_then(Node::items_mut) else { return };
        match tags.iter_mut().find(|tag| tag.text("key") == Some(key)) {
            Some(tag) => tag.set("value", Node::string(value)),
            None => tags.push(Node::new(Json::Object(vec![
                Member::new("key", Node::string(key)),
                Member::new("value", Node::string(value)),
            ]))),
        }
    }

    /// The same document without a tag; `tags` goes with the last one, because ECS takes no empty list of tags.
    #[must_use]
    pub fn without_tag(&self, key: &str) -> Self {
        let mut copy = self.clone();
        if let Some(tags) = copy.root.member_mut("tags").and_then(Node::items_mut) {
            tags.retain(|tag| tag.text("key") != Some(key));
            if tags.is_empty() {
                copy.root.take("tags");
            }
        }
        copy
    }

    /// The problem of a container that is not there, with the names that are.
    pub(super) fn no_container(&self, name: &str) -> Cause {
        let names = self.containers();
        let message = format!(
            "there is no container `{name}`; containers in the task definition: {}",
            names.join(", ")
        );
        let cause = Cause::invalid("containerDefinitions", message);
        match near::nearest(name, names) {
            Some(other) => cause.with_hint(format!("did you mean `{other}`?")),
            None => cause,
        }
    }

    fn containers_mut(&mut self) -> &mut [Node] {
        match self.root.member_mut("containerDefinitions").and_then(Node::items_mut) {
            Some(containers) => containers,
            None => &mut [],
        }
    }
}

//! Image references: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.

use landfall_core::Cause;

/// What `--image [CONTAINER=]IMAGE` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageArgument {
    /// The container that gets the image; `None` when the argument does not name one.
    pub container: Option<String>,
    /// The image.
    pub image: String,
}

impl ImageArgument {
    /// Reads `[CONTAINER=]IMAGE` and checks both; images hold no `=`, so the first one divides.
    ///
    /// # Errors
    /// The problem, when the container is empty or the image is not well-formed.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        let (container, image) = match text.split_once('=') {
            Some((container, image)) => (Some(container), image),
            None => (None, text),
        };
        check(image)?;
        Ok(Self { container: container.map(str::to_owned), image: image.to_owned() })
    }
}

/// Checks the syntax of an image reference.
///
/// # Errors
/// The problem, with the kind of variable that was probably empty.
pub fn check(image: &str) -> Result<(), Cause> {
    if image.is_empty() { Err(Cause::invalid("image", "the image is empty")) } else { Ok(()) }
}

//! Image references: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.
//!
//! In a CI job an image is put together from variables, and the usual fault is that one of them was empty. So the
//! check says which part is missing, rather than that the whole is malformed.
#![expect(
    clippy::result_large_err,
    reason = "callers collect causes as they are; one is made for each bad argument"
)]

use landfall_core::Cause;

/// Longest registry, repository and tag together (ContainerDefinition `image`).
const LONGEST_NAME: usize = 255;
/// Longest tag (OCI distribution specification, "Pulling manifests").
const LONGEST_TAG: usize = 128;
/// Hexadecimal digits of a SHA-256 digest.
const DIGEST_DIGITS: usize = 64;

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
        if container.is_some_and(|name| name.trim().is_empty()) {
            return Err(wrong(
                text,
                "has no container before the `=`; the variable for it was probably empty",
            ));
        }
        check(image)?;
        Ok(Self { container: container.map(str::to_owned), image: image.to_owned() })
    }
}

/// Checks the syntax of an image reference.
///
/// # Errors
/// The problem; where a part is missing, with the variable that was probably empty.
pub fn check(image: &str) -> Result<(), Cause> {
    let problem = missing_part(image)
        .or_else(|| foreign_characters(image))
        .or_else(|| empty_segment(image))
        .or_else(|| match image.split_once('@') {
            Some((name, digest)) => wrong_digest(digest).or_else(|| wrong_name(name)),
            None => wrong_name(image),
        });
    match problem {
        Some(problem) => Err(wrong(image, &problem)),
        None => Ok(()),
    }
}

fn wrong(image: &str, problem: &str) -> Cause {
    Cause::invalid("image", format!("the image `{}` {problem}", image.escape_debug()))
}

fn missing_part(image: &str) -> Option<String> {
    let (what, variable) = match image {
        _ if image.trim().is_empty() => ("is empty", "the image"),
        _ if image.starts_with('/') => ("starts with `/`", "the registry"),
        _ if image.starts_with(':') || image.starts_with('@') => {
            ("starts with its tag or digest", "the registry or repository")
        }
        _ if image.ends_with(':') || image.contains(":@") => {
            ("ends with `:`, so has an empty tag", "the tag")
        }
        _ if image.ends_with('@') => ("ends with `@`, so has an empty digest", "the digest"),
        _ if image.ends_with('/') || image.contains("/:") || image.contains("/@") => {
            ("has nothing after its last `/`", "the repository")
        }
        _ => return None,
    };
    Some(format!("{what}; the variable for {variable} was probably empty or not set"))
}

fn foreign_characters(image: &str) -> Option<String> {
    if image.contains("://") {
        return Some("is a URL; write it without the part up to `://`".to_owned());
    }
    let found = image.chars().find(|c| !c.is_ascii_alphanumeric() && !"./:@_-[]".contains(*c))?;
    Some(match found {
        c if c.is_whitespace() => "contains a space or a line break".to_owned(),
        '$' | '{' | '}' | '<' | '>' | '%' => format!("contains `{found}`: a variable in it was not replaced"),
        _ => format!("contains `{}`", found.escape_debug()),
    })
}

fn empty_segment(image: &str) -> Option<String> {
    image.contains("//").then(|| {
        "contains `//`; a variable for a part of the repository was probably empty or not set".to_owned()
    })
}

fn wrong_digest(digest: &str) -> Option<String> {
    let Some(digits) = digest.strip_prefix("sha256:") else {
        return Some("has a digest that is not of the form `@sha256:...`".to_owned());
    };
    if digits.len() != DIGEST_DIGITS {
        let found = digits.len();
        return Some(format!("has a digest of {found} digits; a SHA-256 digest has {DIGEST_DIGITS}"));
    }
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (!hexadecimal).then(|| "has a digest with characters other than 0-9 and a-f".to_owned())
}

/// Everything before the digest. A `:` that is followed by a `/` belongs to the registry's port.
fn wrong_name(name: &str) -> Option<String> {
    if name.len() > LONGEST_NAME {
        return Some(format!("is longer than {LONGEST_NAME} characters"));
    }
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    let repository = match path.split_once('/') {
        Some((host, rest)) if is_registry(host) => rest,
        _ => path,
    };
    tag.and_then(wrong_tag).or_else(|| repository.split('/').find_map(wrong_segment))
}

/// The rule by which a first part is a registry and not a part of the repository is that of the docker client.
fn is_registry(host: &str) -> bool {
    host.contains(['.', ':']) || host == "localhost"
}

fn wrong_tag(tag: &str) -> Option<String> {
    if tag.len() > LONGEST_TAG {
        return Some(format!("has a tag longer than {LONGEST_TAG} characters"));
    }
    let good =
        !tag.starts_with(['.', '-']) && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    (!good).then(|| {
        format!("has the tag `{tag}`; a tag has letters, digits, `_`, `.`, `-`, and starts with a letter, digit or `_`")
    })
}

fn wrong_segment(segment: &str) -> Option<String> {
    if segment.contains(|c: char| c.is_ascii_uppercase()) {
        return Some(format!(
            "has capital letters in its repository (`{segment}`); repositories are lower case"
        ));
    }
    let inner = segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let good = inner && edge(segment.chars().next()) && edge(segment.chars().last());
    (!good).then(|| {
        format!(
            "has `{segment}` in its repository; each part starts and ends with a lower-case letter or a digit"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{ImageArgument, check};

    const DIGEST: &str = "sha256:94afd1f2e64d908bc90dbca0035a5b567a0c94afd1f2e64d908bc90dbca0035a";

    #[test]
    fn images_that_a_registry_can_serve_pass() {
        for image in [
            "nginx",
            "nginx:1.27",
            "library/nginx:latest",
            "registry.gitlab.example.com/group/sub-group/app:v1.2.3_rc.1",
            "registry.example.com:5050/app:1",
            "localhost/app",
            "localhost:5000/app",
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com/web:0123abcd",
            "[2001:db8::1]:5000/app:1",
            "Registry.Example.com/app",
            "a__b/c--d/e.f:TAG",
            &format!("web@{DIGEST}"),
            &format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1@{DIGEST}"),
        ] {
            assert_eq!(check(image), Ok(()), "{image}");
        }
    }

    #[test]
    fn a_bad_image_is_refused_with_the_part_that_is_wrong() {
        for (image, expected) in [
            ("", "the variable for the image was"),
            ("  ", "the variable for the image was"),
            ("/web:1", "the variable for the registry was"),
            (":1.2", "the variable for the registry or repository was"),
            ("@sha256:00", "the variable for the registry or repository was"),
            ("web:", "the variable for the tag was"),
            ("registry.example.com:5050/web:", "the variable for the tag was"),
            ("web:@sha256:00", "the variable for the tag was"),
            ("web@", "the variable for the digest was"),
            ("registry.example.com/", "the variable for the repository was"),
            ("registry.example.com/:1", "the variable for the repository was"),
            ("registry.example.com//web:1", "a variable for a part of the repository"),
            ("web:1\n", "contains a space or a line break"),
            ("my web:1", "contains a space or a line break"),
            ("$CI_REGISTRY_IMAGE:1", "contains `$`: a variable in it was not replaced"),
            ("<IMAGE>", "contains `<`: a variable in it was not replaced"),
            ("https://registry.example.com/web", "is a URL"),
            ("Web:1", "capital letters in its repository (`Web`)"),
            ("registry.example.com/group/App:1", "capital letters in its repository (`App`)"),
            ("web@sha256:abc", "has a digest of 3 digits; a SHA-256 digest has 64"),
            ("web@md5:abc", "not of the form `@sha256:...`"),
            ("web:-1", "has the tag `-1`"),
            ("web/-x", "has `-x` in its repository"),
            ("wéb", "contains `é`"),
            ("a,b", "contains `,`"),
        ] {
            let message = check(image).expect_err(image).message;
            assert!(message.contains(expected), "{image:?}: {message}");
        }
        assert!(check(&format!("web:{}", "1".repeat(129))).is_err());
        assert!(check(&"w".repeat(256)).is_err());
        assert!(check(&format!("web@{}", DIGEST.replace('4', "g"))).is_err());
    }

    #[test]
    fn an_argument_names_its_container_before_the_first_equals_sign() {
        let of = |container: Option<&str>, image: &str| {
            Ok(ImageArgument { container: container.map(str::to_owned), image: image.to_owned() })
        };
        assert_eq!(ImageArgument::parse("web:1"), of(None, "web:1"));
        assert_eq!(ImageArgument::parse("app=web:1"), of(Some("app"), "web:1"));
        let empty = ImageArgument::parse("=web:1").expect_err("no container").message;
        assert!(empty.contains("no container before the `=`"), "{empty}");
        let empty = ImageArgument::parse("app=").expect_err("no image").message;
        assert!(empty.contains("the variable for the image"), "{empty}");
        assert!(ImageArgument::parse("app=web=1").is_err());
    }
}

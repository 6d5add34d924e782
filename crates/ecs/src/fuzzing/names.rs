//! What people and CI variables put into flags: images, names, sources, run ids.

use landfall_core::{Cause, Token};

use crate::document::{ImageArgument, image};
use crate::run_tag;
use crate::spec::TaskDefinitionSource;
use crate::target::EcsService;

/// Reads any text as each flag.
pub fn names(text: &str) {
    images(text);
    tags(text);
    for source in [TaskDefinitionSource::Family(text.to_owned()), TaskDefinitionSource::Arn(text.to_owned())]
    {
        let builder = EcsService::builder().cluster(text).service(text).task_definition(source);
        match builder.image_for_all(text).build() {
            Ok(_) => assert!(image::check(text).is_ok()),
            Err(error) => {
                assert!(!error.causes().is_empty());
                error.causes().iter().for_each(says_one_line);
            }
        }
    }
}

fn images(text: &str) {
    match ImageArgument::parse(text) {
        Ok(read) => {
            assert!(image::check(&read.image).is_ok());
            assert!(read.image.len() <= 400 && read.image.is_ascii(), "{text:?}");
            let written = match &read.container {
                Some(container) => format!("{container}={}", read.image),
                None => read.image.clone(),
            };
            assert_eq!(written, text);
        }
        Err(cause) => says_one_line(&cause),
    }
}

/// Bad input is quoted in a message, and must not make lines of its own there.
fn says_one_line(cause: &Cause) {
    assert!(!cause.message.contains('\n'), "{:?}", cause.message);
}

/// The tag of a run is one that ECS takes, and only its own run knows it again.
fn tags(run: &str) {
    let value = run_tag::value(&Token::new(format!("{run}/deploy/1")));
    let fits = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
    assert!(value.len() <= 256 && value.chars().all(fits), "{value}");
    assert!(run_tag::is_of(&value, run, "deploy"));
    assert!(!run_tag::is_of(&value, &format!("{run}x"), "deploy"));
}

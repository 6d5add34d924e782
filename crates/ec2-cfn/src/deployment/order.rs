//! An older release must not overwrite what a newer one of the same project has brought. Pure.

use super::facts::Info;
use super::run_tag;
use super::spec::Sequence;

/// The newest of these deployments, with its number, if it is of a newer release than this one.
pub(crate) fn newer<'a>(
    release: &Sequence,
    found: impl IntoIterator<Item = &'a Info>,
) -> Option<(&'a Info, u64)> {
    let numbered = found
        .into_iter()
        .filter_map(|info| Some((info, run_tag::number_in(&info.description, &release.project)?)));
    numbered.filter(|(_, number)| *number > release.number).max_by_key(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use landfall_core::Token;
    use serde_json::Value;

    use super::newer;
    use crate::deployment::facts::Info;
    use crate::deployment::run_tag::described;
    use crate::deployment::spec::Sequence;

    fn release(project: &str, number: u64) -> Sequence {
        Sequence { project: project.to_owned(), number }
    }

    fn deployed(id: &str, by: Option<&Sequence>) -> Info {
        let description = described(None, &Token::new("shop/81/deploy/1"), &Value::Null, by);
        Info { deployment_id: id.to_owned(), description, ..Info::default() }
    }

    #[test]
    fn only_a_higher_number_of_the_same_project_is_newer() {
        let found = [
            deployed("d-none", None),
            deployed("d-41", Some(&release("shop", 41))),
            deployed("d-43", Some(&release("shop", 43))),
            deployed("d-other", Some(&release("other", 99))),
            deployed("d-42", Some(&release("shop", 42))),
        ];
        let newest = |number| newer(&release("shop", number), &found).map(|(info, _)| &*info.deployment_id);
        assert_eq!([newest(40), newest(42)], [Some("d-43"), Some("d-43")]);
        assert_eq!([newest(43), newest(44)], [None, None], "the same release is not older than itself");
        assert_eq!(newer(&release("unknown", 1), &found), None);
    }
}

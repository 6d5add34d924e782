//! Says in a change set's description which run made it: `[landfall run=shop/81/deploy/production try=1]`.
//!
//! Not in a tag of the stack. "CloudFormation also propagates these tags to resources in the stack"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>, `Tags`): with the run in a
//! tag, each run would change every resource, a stack that has all that is asked for would never be unchanged, and the
//! role would need the right to tag each of them. That landfall made a stack or changed it last is told without a tag, too:
//! by the name of the change set (`landfall-...`), which DescribeStacks shows, and by the token of its events.

use landfall_core::Context;

/// Most characters of a description (CreateChangeSet).
const LONGEST: usize = 1_024;

/// What a change set is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeFor {
    Deployment,
    Undo,
    /// To be looked at.
    Plan,
}

/// The description of a change set of this run.
pub(crate) fn description(cx: &Context, made_for: MadeFor) -> String {
    let word = match made_for {
        MadeFor::Deployment => "try",
        MadeFor::Undo => "undo",
        MadeFor::Plan => "plan",
    };
    let end = format!(" {word}={}]", cx.attempt());
    let fits = |one: char| if one.is_control() { '-' } else { one };
    let begin: String = format!("[landfall run={}/{}", cx.run(), cx.step()).chars().map(fits).collect();
    let room = LONGEST - end.len();
    format!("{}{end}", begin.chars().take(room).collect::<String>())
}

#[cfg(test)]
mod tests {
    use landfall_core::Context;

    use super::{MadeFor, description};

    #[test]
    fn a_description_names_run_step_and_attempt_and_fits() {
        let of = |run: &str, what| description(&Context::builder(run).step("production").build(), what);
        assert_eq!(
            of("shop/81/deploy", MadeFor::Deployment),
            "[landfall run=shop/81/deploy/production try=1]"
        );
        assert_eq!(of("a\nb", MadeFor::Undo), "[landfall run=a-b/production undo=1]");
        let long = of(&"x".repeat(3_000), MadeFor::Plan);
        assert!(long.chars().count() == 1_024 && long.ends_with(" plan=1]"), "{}", long.len());
    }
}

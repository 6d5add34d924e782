//! The calls: one thin function each. Retries and rate limits are [`landfall_aws::call`]'s.

mod change_sets;
mod events;
mod hooks;
mod stacks;
mod templates;

use aws_sdk_cloudformation::types as sdk;
use aws_types::SdkConfig;
use landfall_aws::call::Call;
use landfall_aws::failure::Failure;
use landfall_core::event::Level;
use landfall_core::limit::Rate;
use landfall_core::{Context, ErrorKind, Place};

use super::masks::Masks;
use super::parameters::Settled;
use super::template::Capability;

pub(crate) use change_sets::{NewChangeSet, RollbackOff, SentTemplate};
pub(crate) use events::{EventPage, Of};
pub(crate) use stacks::Deletion;
pub(crate) use templates::Summary;

/// The clients of one stack.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    cloudformation: aws_sdk_cloudformation::Client,
    s3: aws_sdk_s3::Client,
    place: Place,
    name: String,
    pub(crate) masks: Masks,
}

/// How often a read is made while it is throttled: a look makes several, and has 30 seconds.
const THROTTLED_READS: u32 = 4;

/// Groups of calls that share a token bucket. AWS publishes no table; users have measured about five DescribeStacks a
/// second and account (aws/aws-sam-cli issue 2671). Two a second leave room for others.
#[derive(Debug, Clone, Copy)]
enum Category {
    Read,
    Write,
}

impl Category {
    fn limit(self) -> (&'static str, Rate) {
        match self {
            Self::Read => ("read", Rate::new(10.0, 2.0)),
            Self::Write => ("write", Rate::new(5.0, 1.0)),
        }
    }
}

/// Makes a call with retries; the request is built anew for each attempt.
macro_rules! send {
    ($self:expr, $cx:expr, $call:expr, $request:expr) => {{
        let call = $call;
        let made = landfall_aws::call::try_run($cx, &call, || async { Ok($request.send().await?) }).await;
        made.map_err(|failure| $self.masks.failure(failure))
    }};
}
use send;

impl Client {
    pub(crate) fn new(config: &SdkConfig, place: &Place, name: &str) -> Self {
        let config = landfall_aws::config::prepared(config);
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            s3: aws_sdk_s3::Client::new(&config),
            place: place.clone(),
            name: name.to_owned(),
            masks: Masks::default(),
        }
    }

    fn limited(&self, call: Call, category: Category) -> Call {
        let (name, rate) = category.limit();
        call.limited(format!("cloudformation/{}/{}/{name}", self.place.account, self.place.region), rate)
            .on(format!("stack {} in {}", self.name, self.place))
    }

    fn read(&self, operation: &'static str) -> Call {
        let call = Call::read("cloudformation", operation).attempts_throttled(THROTTLED_READS);
        self.limited(call, Category::Read)
    }

    fn write(&self, operation: &'static str) -> Call {
        self.limited(Call::write("cloudformation", operation), Category::Write)
    }
}

/// Whether AWS says that there is no such stack. It says so with the code of every mistake, `ValidationError`.
pub(crate) fn is_missing(failure: &Failure) -> bool {
    let message = failure.error().message();
    failure.code() == Some("ValidationError") && message.contains("does not exist")
}

fn sdk_capability(capability: Capability) -> sdk::Capability {
    match capability {
        Capability::Iam => sdk::Capability::CapabilityIam,
        Capability::NamedIam => sdk::Capability::CapabilityNamedIam,
        Capability::AutoExpand => sdk::Capability::CapabilityAutoExpand,
    }
}

fn sdk_tag((key, value): &(String, String)) -> sdk::Tag {
    sdk::Tag::builder().key(key).value(value).build()
}

fn sdk_parameter(parameter: &Settled) -> sdk::Parameter {
    let builder = sdk::Parameter::builder().parameter_key(&parameter.name);
    match &parameter.value {
        Some(value) => builder.parameter_value(value).build(),
        None => builder.use_previous_value(true).build(),
    }
}

/// An optional call: denied, or unknown to the server, is an answer too.
pub(crate) fn allowed<T>(
    cx: &Context,
    action: &str,
    made: Result<T, Failure>,
) -> landfall_core::Result<Option<T>> {
    match made {
        Ok(value) => Ok(Some(value)),
        // Servers that imitate AWS do not have all of its operations.
        Err(failure) if matches!(failure.kind(), ErrorKind::Denied | ErrorKind::Unsupported) => {
            let text = format!("{action} is refused; going on without it: {}", failure.error());
            cx.note(Level::Debug, "permission-missing", text);
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}

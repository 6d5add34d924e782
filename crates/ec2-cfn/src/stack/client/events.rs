//! Calls about events.

use aws_sdk_cloudformation::types as sdk;
use landfall_aws::failure::Failure;
use landfall_core::Context;

use super::{Client, send};
use crate::stack::facts::{self, EventFacts};

/// A page of events, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<EventFacts>,
    pub(crate) next: Option<String>,
}

/// Whose failed events are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    Operation { stack: &'a str, id: &'a str },
    ChangeSet(&'a str),
}

impl Client {
    /// One page of DescribeStackEvents.
    pub(crate) async fn events(
        &self,
        cx: &Context,
        stack_id: &str,
        token: Option<&str>,
    ) -> Result<EventPage, Failure> {
        let request = || {
            self.cloudformation
                .describe_stack_events()
                .stack_name(stack_id)
                .set_next_token(token.map(str::to_owned))
        };
        let page = send!(self, cx, self.read("DescribeStackEvents"), request())?;
        let events = page.stack_events().iter().map(facts::event).map(|event| self.hidden(event)).collect();
        Ok(EventPage { events, next: page.next_token().map(str::to_owned) })
    }

    /// DescribeEvents, only the failed ones, all pages; oldest first.
    pub(crate) async fn failed_events(&self, cx: &Context, of: Of<'_>) -> Result<Vec<EventFacts>, Failure> {
        let filter = sdk::EventFilter::builder().failed_events(true).build();
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let request = || {
                let request = self
                    .cloudformation
                    .describe_events()
                    .filters(filter.clone())
                    .set_next_token(token.clone());
                match of {
                    Of::Operation { stack, id } => request.stack_name(stack).operation_id(id),
                    // The full ARN: a name alone is refused (aws-cloudformation/cloudformation-cli issue 1116).
                    Of::ChangeSet(arn) => request.change_set_name(arn),
                }
            };
            let page = send!(self, cx, self.read("DescribeEvents"), request())?;
            let events = page.operation_events().iter().map(facts::operation_event);
            found.extend(events.map(|event| self.hidden(event)));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                found.reverse();
                return Ok(found);
            }
        }
    }

    fn hidden(&self, mut event: EventFacts) -> EventFacts {
        event.reason = self.masks.apply(&event.reason);
        event
    }
}

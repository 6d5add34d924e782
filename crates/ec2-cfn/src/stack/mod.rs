//! A CloudFormation stack, created or updated through a change set.

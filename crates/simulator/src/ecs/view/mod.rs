//! How things look in answers.

mod deployment;
mod service;
mod task;

//! Amazon ECS as a landfall target: task definition registration and rollout wait.

pub mod document;

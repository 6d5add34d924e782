//! Helpers for authors of landfall targets: a scripted target and an event recorder.

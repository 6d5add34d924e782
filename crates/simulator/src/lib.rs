//! A local AWS for tests and demonstrations: speaks the wire protocols, takes time, fails on cue.

//! The members that the model knows.

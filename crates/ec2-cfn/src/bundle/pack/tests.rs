//! Tests come with the packer's first use.

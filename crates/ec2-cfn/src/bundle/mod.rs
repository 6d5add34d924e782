//! A folder packed reproducibly and sent to S3, or found there unchanged.

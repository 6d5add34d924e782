//! landfall deploys software to AWS and tells the truth about it.

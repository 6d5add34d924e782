//! Who may sign in: the roles that the tests' cluster knows.

/// An AWS role with a session, and who it is in the cluster.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) access_key_id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) session_token: Option<&'static str>,
    /// What EKS calls a role without a user name of its own in its access entry:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>.
    pub(crate) user: &'static str,
    pub(crate) groups: &'static [&'static str],
}

/// The group that may do everything.
pub(crate) const DEPLOYERS: &str = "landfall:deployers";

/// May do everything.
pub(crate) const DEPLOYER: Identity = Identity {
    access_key_id: "ASIADEPLOYEROFTESTS1",
    secret: "the secret of a role that only tests know",
    session_token: Some("a session token/with+signs=="),
    user: "arn:aws:sts::111122223333:assumed-role/deploy/landfall",
    groups: &[DEPLOYERS],
};

/// Is known, and may do nothing.
pub(crate) const STRANGER: Identity = Identity {
    access_key_id: "AKIASTRANGEROFTESTS1",
    secret: "the secret of a user that only tests know",
    session_token: None,
    user: "arn:aws:iam::111122223333:user/stranger",
    groups: &[],
};

//! Who asks the questions of the table.

use landfall_core::context::Clock;

use crate::signed_in::SignedIn;
use crate::support::identities::DEPLOYER;
use crate::support::{CLUSTER, ControlPlane, tokens};

/// Signed in as who may do everything.
pub(crate) fn deployer(plane: &ControlPlane) -> Result<SignedIn, String> {
    plane.signed_in(tokens(&DEPLOYER, CLUSTER, Clock::start())?).map(SignedIn)
}

//! Which proxy the environment names, by the same rules for every connection of landfall's.
//!
//! `HTTPS_PROXY` for addresses of https, `HTTP_PROXY` for those of http, `ALL_PROXY` for both, and the same in lower case. A
//! proxy without a scheme is one of http, as for curl. `NO_PROXY` names what is reached without one: hosts, domains,
//! addresses and ranges of them, comma separated; loopback and link-local addresses always are.

use std::fmt;

use crate::environment::Environment;

/// Never reached through a proxy: this machine, and the metadata services of EC2 (169.254.169.254) and of ECS and
/// EKS (169.254.170.2, 169.254.170.23).
const NEAR: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::254,fd00:ec2::23";

/// A proxy that the environment names. `Debug` does not show its address, which may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// The variable that names it.
    pub variable: &'static str,
    /// Its address, with a scheme. May hold a password.
    pub address: String,
    /// What is reached without it, as in `NO_PROXY`.
    pub direct: String,
}

/// The proxy for addresses of http.
#[must_use]
pub fn for_http(environment: &Environment) -> Option<Named> {
    named(environment, &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
}

/// The proxy for addresses of https.
#[must_use]
pub fn for_https(environment: &Environment) -> Option<Named> {
    named(environment, &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
}

fn named(environment: &Environment, variables: &[&'static str]) -> Option<Named> {
    let (variable, address) =
        variables.iter().find_map(|name| environment.get(name).map(|value| (*name, value)))?;
    let direct = environment.first(&["NO_PROXY", "no_proxy"]).map_or("", |(_, hosts)| hosts);
    Some(Named { variable, address: with_scheme(address), direct: format!("{NEAR},{direct}") })
}

/// The address of a proxy with its scheme: http where it says none.
#[must_use]
pub fn with_scheme(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("variable", &self.variable).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{for_http, for_https};
    use crate::environment::Environment;

    #[test]
    fn the_proxy_of_the_scheme_goes_before_that_for_all_and_an_address_gets_a_scheme() {
        for (pairs, http, https) in [
            (&[("HTTPS_PROXY", "https://s:1"), ("HTTP_PROXY", "h:2")][..], "http://h:2", "https://s:1"),
            (&[("https_proxy", "s"), ("ALL_PROXY", "socks5://all")], "socks5://all", "http://s"),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "all")], "http://all", "http://all"),
            (&[("NO_PROXY", "x")], "", ""),
        ] {
            let environment = Environment::from_pairs(pairs.iter().copied());
            let address = |named: Option<super::Named>| named.map(|named| named.address).unwrap_or_default();
            assert_eq!(
                (address(for_http(&environment)), address(for_https(&environment))),
                (http.to_owned(), https.to_owned())
            );
        }
    }

    #[test]
    fn what_is_near_is_added_to_what_is_reached_directly_and_no_password_is_shown() {
        let pairs = [("HTTPS_PROXY", "http://user:canary@p:1"), ("no_proxy", "example.com,10.0.0.0/8")];
        let named = for_https(&Environment::from_pairs(pairs)).unwrap();
        for near in ["localhost", "127.0.0.0/8", "::1", "169.254.0.0/16", "fd00:ec2::254", "fd00:ec2::23"] {
            assert!(named.direct.split(',').any(|host| host == near), "{near}: {}", named.direct);
        }
        assert!(named.direct.ends_with(",example.com,10.0.0.0/8"), "{}", named.direct);
        assert!(!format!("{named:?}").contains("canary"), "{named:?}");
    }
}

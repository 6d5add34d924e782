//! Which values are not shown: by where they stand, because a secret has no form of its own.

/// Endings of names whose values are secrets, in lower case and without `-` and `_`.
const SECRETS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "clientsecret",
];

/// Whether the value at a place, such as `spec.containers[web].env[A].value`, may be a secret: a variable of an environment, or
/// what is named like one.
pub(crate) fn is_hidden(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default().trim_end_matches([']', '"']);
    let of_environment = last == "env" || (last == "value" && path.contains("env["));
    of_environment || is_secret_name(last)
}

/// Whether a name is one of secrets.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let word: String = name.chars().filter(|c| !"-_".contains(*c)).collect::<String>().to_ascii_lowercase();
    SECRETS.iter().any(|ending| word.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::is_hidden;

    #[test]
    fn variables_and_what_is_named_like_a_secret_are_hidden() {
        for (path, hidden) in [
            (".spec.template.spec.containers[name=\"web\"].env[name=\"A\"].value", true),
            ("spec.containers[web].env", true),
            ("data.DB_PASSWORD", true),
            ("data[db.api-key]", true),
            ("metadata.annotations[example.com/token]", true),
            ("spec.secretName", false),
            ("spec.values[a].value", false),
            ("data.level", false),
        ] {
            assert_eq!(is_hidden(path), hidden, "{path}");
        }
    }
}

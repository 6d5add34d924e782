//! `eks`: values of Secrets in nothing that is printed or written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_simulator::{PodBehaviour, PodRule};

use crate::eks::{Shop, deployment};
use crate::support::run;

/// Planted where secrets are: each must never be printed, and not behind base64 either.
const CANARIES: [&str; 4] =
    ["canary-string-data", "canary-in-data", "canary-environment", "canary-second-value"];

impl Shop {
    fn write_secret(&self, value: &str) {
        let data = STANDARD.encode(CANARIES[1]);
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{password: {value}}}\ndata: {{token: {data}}}\n"
        );
        self.write("shop/secret.yaml", &text);
    }
}

/// The texts of all files below a folder.
fn text_below(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.is_dir() {
        true => text_below(&path),
        false => String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned(),
    };
    entries.map(text).collect()
}

#[tokio::test]
async fn values_of_secrets_are_in_no_output_and_in_no_journal() {
    let shop = Shop::new("good").await;
    let mut web = deployment("registry.example.com/web:1.0");
    web["spec"]["template"]["spec"]["containers"][0]["env"] =
        serde_json::json!([{ "name": "DATABASE_PASSWORD", "value": CANARIES[2] }]);
    shop.write("shop/web.yaml", &web.to_string());
    shop.kubernetes.behave(PodRule::of("Deployment", "front", PodBehaviour::ImageNotFound).image("*:3.0"));
    let journal = ["-v", "--journal", "journal"];
    let mut told = String::new();
    let mut codes = Vec::new();
    for form in ["human", "json"] {
        for (value, run_id, more) in [
            (CANARIES[0], "plan", &["--plan"][..]),
            (CANARIES[0], "first", &[]),
            (CANARIES[3], "change", &["--plan"]),
            (CANARIES[3], "failing", &["--image", "web=registry.example.com/web:3.0"]),
            (CANARIES[3], "second", &[]),
        ] {
            shop.write_secret(value);
            let form = ["--output", form, "--run-id", &format!("{run_id}-{form}")];
            let mut command = shop.deploy(&[&journal[..], &form, more].concat());
            command.env("RUST_LOG", "trace");
            let ran = run(command).await;
            codes.push(ran.code);
            told.push_str(&ran.told());
        }
    }
    assert_eq!(codes, [0, 0, 0, 3, 0, 0, 0, 0, 3, 0], "{told}");
    let broken = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{a: [{}]}}\n",
        CANARIES[0]
    );
    shop.write("shop/secret.yaml", &broken);
    let ran = run(shop.deploy(&["-v"])).await;
    assert_eq!(ran.code, 2, "a value that is no text: {}", ran.told());
    told.push_str(&ran.told());
    assert!(told.contains("Secret default/keys"), "the plan shows that it changes: {told}");
    let revert = ["revert", "second-human", "--journal", "journal", "-v"];
    let mut command = shop.cloud.command(&revert);
    command.current_dir(shop.folder.path());
    told.push_str(&run(command).await.told());
    let kept = text_below(&shop.folder.path().join("journal"));
    assert!(kept.contains("\"plan\""), "{kept}");
    for canary in CANARIES {
        for secret in [canary.to_owned(), STANDARD.encode(canary)] {
            assert!(!told.contains(&secret), "{canary} was printed");
            assert!(!kept.contains(&secret), "{canary} is in the journal");
        }
    }
}

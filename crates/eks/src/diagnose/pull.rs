//! Images that are not pulled.

use super::tell::{Place, Told};
use crate::judge::below::PullFailure;

const PULL_ACTIONS: &str = "ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer";

pub(super) fn tell(place: &Place<'_>, image: &str, failure: Option<PullFailure>) -> Told {
    let who = place.named();
    let from = Image::read(image);
    let registry = from.registry;
    let told = match failure.unwrap_or(PullFailure::Other) {
        PullFailure::InvalidName => Told::new(
            "invalid-image-name",
            format!("{who}: `{image}` is no name of an image"),
            "correct the image in the manifest; a variable in it may have been empty",
        ),
        PullFailure::NeverPulled => Told::new(
            "image-never-pulled",
            format!("{who}: image {image} is not on the node, and imagePullPolicy Never forbids to pull it"),
            "set imagePullPolicy to IfNotPresent, or put the image on the nodes",
        ),
        PullFailure::WrongArchitecture => Told::new(
            "wrong-architecture",
            format!("{who}: image {image} has no variant for the processor of the node"),
            "build it for that processor too (docker buildx build --platform), or choose nodes by kubernetes.io/arch",
        ),
        PullFailure::RateLimited => Told::new(
            "pull-rate-limited",
            format!("{who}: {registry} limits pulls, image {image} among them"),
            "give credentials (imagePullSecrets), or pull through a cache such as that of ECR",
        ),
        PullFailure::Denied => {
            Told::new("image-pull-denied", format!("{who}: image {image} may not be pulled"), from.allow())
        }
        PullFailure::NotFound => {
            Told::new("image-not-found", format!("{who}: there is no image {image}"), from.look())
        }
        PullFailure::DiskFull => Told::new(
            "disk-full",
            format!("{who}: the node's disk is full, so image {image} cannot be pulled"),
            "free the node's disk or give its node group larger ones",
        ),
        PullFailure::Network => Told::new(
            "image-pull-network",
            format!("{who}: {registry} cannot be reached to pull image {image}"),
            "the node's subnet needs a way to the registry: NAT, or endpoints for ECR (api and dkr) and S3; check its \
             security groups and DNS",
        ),
        PullFailure::Other => Told::new(
            "image-pull-failed",
            format!("{who}: image {image} could not be pulled"),
            "the message of the registry says why",
        ),
    };
    told.then(&place.describe())
}

/// The parts of an image's name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Image<'a> {
    registry: &'a str,
    repository: &'a str,
    /// As `aws ecr` takes it: `imageTag=1.2` or `imageDigest=sha256:...`.
    id: String,
    ecr: Option<Ecr<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ecr<'a> {
    account: &'a str,
    region: &'a str,
}

impl<'a> Image<'a> {
    /// The rule by which a first part is a registry and not a part of the repository is that of the docker client.
    fn read(image: &'a str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (name, "latest"),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => ("docker.io", name),
        };
        let id = digest.map_or_else(|| format!("imageTag={tag}"), |digest| format!("imageDigest={digest}"));
        Self { registry, repository, id, ecr: Ecr::read(registry) }
    }

    fn look(&self) -> String {
        let Some(Ecr { account, region }) = self.ecr else {
            return format!("push it to {}, or correct its repository, tag or digest", self.registry);
        };
        let (repository, id) = (self.repository, &self.id);
        format!(
            "push it to ECR of account {account} in {region}, or correct account, region, repository, tag or digest; aws ecr \
             describe-images --region {region} --registry-id {account} --repository-name {repository} --image-ids {id}"
        )
    }

    fn allow(&self) -> String {
        let Some(Ecr { account, region }) = self.ecr else {
            return format!(
                "give the pod or its service account imagePullSecrets for {}; some registries answer the same for a \
                 repository that does not exist",
                self.registry
            );
        };
        format!(
            "allow the node's role, or the pod execution role on Fargate, {PULL_ACTIONS}; where the cluster is not in account \
             {account}, the policy of repository {} there must allow it too; and check that the repository exists in {region}",
            self.repository
        )
    }
}

impl<'a> Ecr<'a> {
    /// `111122223333.dkr.ecr.eu-central-1.amazonaws.com`, `.dkr.ecr-fips.`, and `.com.cn`.
    fn read(registry: &'a str) -> Option<Self> {
        let mut parts = registry.split('.');
        let account = parts
            .next()
            .filter(|account| account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()))?;
        parts.next().filter(|part| *part == "dkr")?;
        parts.next().filter(|part| matches!(*part, "ecr" | "ecr-fips"))?;
        Some(Self { account, region: parts.next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn images_of_ecr_name_account_region_repository_and_tag() {
        let image = Image::read("111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/web:1.2");
        let look = image.look();
        assert!(look.contains("ECR of account 111122223333 in eu-central-1"), "{look}");
        assert!(look.ends_with(
            "aws ecr describe-images --region eu-central-1 --registry-id 111122223333 --repository-name team/web --image-ids imageTag=1.2"
        ));
        let pinned = Image::read("111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web@sha256:00");
        assert!(pinned.look().contains("us-gov-west-1") && pinned.look().contains("imageDigest=sha256:00"));
    }

    #[test]
    fn other_images_name_their_registry() {
        for (image, registry, repository) in [
            ("nginx", "docker.io", "nginx"),
            ("team/web:1", "docker.io", "team/web"),
            ("localhost:5000/web", "localhost:5000", "web"),
            ("registry.example.com/a/b:1", "registry.example.com", "a/b"),
            ("123.dkr.ecr.eu-central-1.amazonaws.com/web", "123.dkr.ecr.eu-central-1.amazonaws.com", "web"),
        ] {
            let read = Image::read(image);
            assert_eq!((read.registry, read.repository, read.ecr), (registry, repository, None), "{image}");
        }
    }
}

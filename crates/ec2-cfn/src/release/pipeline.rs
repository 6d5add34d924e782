//! From a release to its steps. What passes from one to another are outputs, by their documented names.

use aws_types::SdkConfig;
use landfall_core::pipeline::{Pipeline, PipelineBuilder, Rollback, StepOutputs};
use landfall_core::{DeployTarget, Error, Place, Result};

use super::{BUNDLE, DEPLOYMENT, ReleaseSpec, STACK};
use crate::deployment::{BundleType, Revision};

/// What the deployment takes of the bundle. Its version is missing where the bucket keeps none.
const OF_BUNDLE: [&str; 4] = ["bucket", "key", "bundle_type", "e_tag"];
const VERSION: &str = "version_id";

impl ReleaseSpec {
    /// The pipeline in this place, as a builder, so that other steps can be added before it is built, and policies set:
    /// [`STACK`], [`BUNDLE`] and, as the last step, [`DEPLOYMENT`]. No call is made.
    ///
    /// # Errors
    /// [`landfall_core::ErrorKind::Invalid`] when `config` is for another region than `place`, or the stack's role is one
    /// of another account.
    pub fn pipeline(self, config: &SdkConfig, place: &Place) -> Result<PipelineBuilder> {
        let builder = Pipeline::builder().on_failure(Rollback::RevertAll);
        let builder = builder.step(STACK, self.stack.clone().target(config, place.clone())?);
        let builder = self.with_bundle(builder, config, place)?;
        Ok(self.with_deployment(builder, config.clone(), place.clone()))
    }

    fn with_bundle(
        &self,
        builder: PipelineBuilder,
        config: &SdkConfig,
        place: &Place,
    ) -> Result<PipelineBuilder> {
        let (bundle, config, place) = (self.bundle.clone(), config.clone(), place.clone());
        let Some(output) = self.from.bucket.clone() else {
            return Ok(builder.step(BUNDLE, bundle.build()?.target(&config, place)?));
        };
        Ok(builder.step_from(BUNDLE, [(STACK, output.clone())], move |outputs| {
            let spec = bundle.clone().bucket(outputs.find(STACK, &output)?).build()?;
            Ok(Box::new(spec.target(&config, place.clone())?))
        }))
    }

    fn with_deployment(self, builder: PipelineBuilder, config: SdkConfig, place: Place) -> PipelineBuilder {
        let of_stack = [&self.from.application, &self.from.group].into_iter().flatten();
        let needs: Vec<(&str, String)> = OF_BUNDLE
            .iter()
            .map(|output| (BUNDLE, (*output).to_owned()))
            .chain(of_stack.map(|output| (STACK, output.clone())))
            .collect();
        let (deployment, from) = (self.deployment, self.from);
        let make = move |outputs: &StepOutputs<'_>| -> Result<Box<dyn DeployTarget>> {
            let mut deployment = deployment.clone().revision(&revision(outputs)?);
            if let Some(output) = &from.application {
                deployment = deployment.application(outputs.find(STACK, output)?);
            }
            if let Some(output) = &from.group {
                deployment = deployment.deployment_group(outputs.find(STACK, output)?);
            }
            Ok(Box::new(deployment.build()?.target(&config, place.clone())?))
        };
        builder.step_from(DEPLOYMENT, needs, make).optional_outputs([(BUNDLE, VERSION)]).after([STACK])
    }
}

/// The very object that the bundle brought or found.
fn revision(outputs: &StepOutputs<'_>) -> Result<Revision> {
    let find = |name: &str| outputs.find(BUNDLE, name);
    let kind = find("bundle_type")?;
    let kind = BundleType::named(kind)
        .ok_or_else(|| Error::invalid(format!("a bundle of type {kind} is not known")))?;
    let revision =
        Revision::s3(find("bucket")?, find("key")?).with_bundle_type(kind).with_etag(find("e_tag")?);
    Ok(match outputs.find_optional(BUNDLE, VERSION)? {
        Some(version) => revision.with_version(version),
        None => revision,
    })
}

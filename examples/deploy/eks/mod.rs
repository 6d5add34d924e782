//! `deploy eks`: manifests in a Kubernetes cluster, of EKS or of a kubeconfig.

pub(crate) mod file;
pub(crate) mod way;

use clap::{ArgAction, Args, ValueEnum};
use landfall::aws::image::ImageArgument;
use landfall::eks::access;
use landfall::eks::conflict::ConflictPolicy;
use landfall::eks::input::{ManifestSet, ManifestSource};
use landfall::eks::inventory::Release;
use landfall::eks::judge::rules::Rule;
use landfall::eks::{IfBusy, Manifests, ManifestsBuilder, ManifestsSpec, Prune};
use landfall::event::Level;
use landfall::{Cause, Context, Error, Result};

use crate::flags::{Busy, Global, collect, complete, duration, in_flags, pair};
use crate::step::{self, Call, Made};
use file::ByFile;
use way::Way;

const REFUSED: &str = "the release cannot be deployed as asked";

/// The namespace of a client that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// What to deploy to which cluster.
#[derive(Debug, Args)]
pub(crate) struct Eks {
    /// Name of the EKS cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    #[command(flatten)]
    by_file: ByFile,
    /// Files, folders and globs with manifests; `-` is standard input
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    manifests: Vec<String>,
    /// Looks into the folders below, too
    #[arg(long)]
    recursive: bool,
    /// Name of the release [default: that of the folder]
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Namespace of the release, and of objects that name none [default: that of the context, else default]
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Image for all containers of this name; repeat for several
    #[arg(long, value_name = "CONTAINER=IMAGE", action = ArgAction::Append)]
    image: Vec<String>,
    /// Label for every object; repeat for several
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    label: Vec<String>,
    /// Deletes what was of the release and is not in the manifests any more; namespaces, kinds and volume claims only when
    /// asked for everything
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    prune: Option<Pruned>,
    /// What is done with fields that others have set: people's are taken over, those of controllers refused; or all refused,
    /// or all taken over
    #[arg(long, value_name = "POLICY", default_value = "careful")]
    conflicts: Conflicts,
    /// Waits until new pods have not restarted for so long after all is ready
    #[arg(long, value_name = "TIME")]
    stable_for: Option<String>,
    /// When objects are ready: KIND[.GROUP][/NAME]=CHECK, or have failed: with ! for the first =. CHECK is
    /// condition=TYPE[=STATUS] or jsonpath={PATH}[=VALUE]; repeat for several
    #[arg(long, value_name = "RULE", action = ArgAction::Append)]
    wait_for: Vec<String>,
    /// Objects that are sent at once, 1 to 90 [default: 32]
    #[arg(long, value_name = "NUMBER")]
    at_once: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pruned {
    Safe,
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Conflicts {
    Careful,
    Refuse,
    TakeOver,
}

/// Runs the subcommand and gives the exit code.
///
/// # Errors
/// What ended it before the deployment began.
pub(crate) async fn run(mut call: Call<'_>, what: &Eks) -> Result<u8> {
    let (global, cx, process) = (call.global, call.cx, call.process.clone());
    global.no_change_set(&mut call.problems);
    let Some(sources) = what.sources(cx, &mut call.problems).await else { return Ok(130) };
    let way = Way::choose(what.cluster.as_deref(), &what.by_file, global, &call.process);
    let way = collect(way, &mut call.problems);
    let namespace = what.namespace.as_deref().or(way.as_ref().and_then(Way::namespace));
    let spec = what.spec(global, sources, namespace.unwrap_or(DEFAULT_NAMESPACE));
    match way {
        Some(Way::Kubeconfig(way)) => {
            let made = step::made_without_aws(call, REFUSED, spec).await?;
            what.deploy(global, cx, made, *way).await
        }
        Some(Way::Signed(file, token)) => {
            call.process = file::in_region(call.process, &token);
            let made = step::made(call, REFUSED, spec, 1, |spec, session| Ok((spec, session.config.clone())))
                .await?;
            let way = file.signed(global, cx.clock(), &made.target.1)?;
            what.deploy(global, cx, made.map(|(spec, _)| spec), way).await
        }
        Some(Way::Cluster(name)) => {
            let made = step::made(call, REFUSED, spec, 1, |spec, session| {
                Ok((spec, session.config.clone(), session.place.clone()))
            })
            .await?;
            let (spec, config, place) = &made.target;
            what.tell_name(cx, spec);
            let server = way::server(global, cx, &process, config, place, &name).await?;
            step::run(global, cx, &made.map(|(spec, _, place)| spec.target(place, server))).await
        }
        // What is wrong with the way is told with all the rest.
        None => {
            step::made_without_aws(call, REFUSED, spec).await?;
            Err(Error::internal("the way to the cluster was refused without a reason"))
        }
    }
}

impl Eks {
    /// Plans or deploys through a kubeconfig.
    async fn deploy(
        &self,
        global: &Global,
        cx: &Context,
        made: Made<ManifestsSpec>,
        way: access::Way,
    ) -> Result<u8> {
        let server = way.server()?;
        cx.note(Level::Info, "kubeconfig", file::told(&way));
        self.tell_name(cx, &made.target);
        step::run(global, cx, &made.map(|spec| spec.target(way.place, server))).await
    }

    /// Says how the release is called, when nobody has said it.
    fn tell_name(&self, cx: &Context, spec: &ManifestsSpec) {
        if self.release.is_none() {
            let text =
                format!("release {}, called by its namespace and its folder (--release)", spec.release());
            cx.note(Level::Info, "release-name", text);
        }
    }

    /// What to read; standard input is read already. Nothing when that was stopped.
    async fn sources(&self, cx: &Context, problems: &mut Vec<Cause>) -> Option<Vec<ManifestSource>> {
        let mut sources = Vec::new();
        for path in &self.manifests {
            let source = if path == "-" {
                // In a thread, for whoever types it has to be able to stop.
                let reading = tokio::task::spawn_blocking(|| ManifestSource::parse("-"));
                tokio::select! {
                    read = reading => read.unwrap_or_else(|error| {
                        Err(Error::internal("standard input cannot be read").with_source(&error))
                    }),
                    () = cx.cancelled() => {
                        cx.note(Level::Info, "stopped", "stopped before standard input had ended; nothing was sent");
                        return None;
                    }
                }
            } else {
                ManifestSource::parse(path)
            };
            sources.extend(collect(source, problems));
        }
        Some(sources)
    }

    fn spec(&self, global: &Global, sources: Vec<ManifestSource>, namespace: &str) -> Result<ManifestsSpec> {
        let mut problems = Vec::new();
        let set = self.set(sources, namespace, &mut problems);
        let rules = collect(Rule::read(&self.wait_for), &mut problems).unwrap_or_default();
        problems.extend(set.iter().flat_map(|set| about_nothing(&rules, set)));
        let name = match &self.release {
            Some(name) => Some(name.clone()),
            None => collect(Release::name_of(&self.manifests), &mut problems),
        };
        let mut builder = self.choices(Manifests::builder(), global, &mut problems);
        for rule in rules {
            builder = builder.rule(rule);
        }
        let named = name.is_some();
        if let Some(name) = name {
            builder = builder.release(Release { namespace: namespace.to_owned(), name });
        }
        let built = match set {
            Some(set) if problems.is_empty() => collect(builder.set(set).build(), &mut problems),
            _ if named => {
                // What else is wrong, without what is told already.
                let mut more = Vec::new();
                collect(builder.build_for_undo(), &mut more);
                more.retain(|problem| !problems.contains(problem));
                problems.extend(more);
                None
            }
            _ => None,
        };
        complete(REFUSED, built, problems)
    }

    fn set(
        &self,
        sources: Vec<ManifestSource>,
        namespace: &str,
        problems: &mut Vec<Cause>,
    ) -> Option<ManifestSet> {
        let found = problems.len();
        let mut set = ManifestSet::builder().recursive(self.recursive).namespace(namespace);
        for text in &self.image {
            match ImageArgument::parse(text) {
                Ok(ImageArgument { container: Some(container), image }) => set = set.image(container, image),
                Ok(ImageArgument { container: None, .. }) => {
                    let problem = Cause::invalid("--image", format!("--image {text:?} names no container"));
                    problems
                        .push(problem.with_hint(
                            "write CONTAINER=IMAGE, for example web=registry.example.com/web:2.0",
                        ));
                }
                Err(problem) => problems.push(in_flags(problem)),
            }
        }
        for text in &self.label {
            if let Some((key, value)) = collect(pair("--label", text), problems) {
                set = set.label(key, value);
            }
        }
        // A source that could not be read is told already.
        if sources.len() < self.manifests.len() {
            return None;
        }
        set = sources.into_iter().fold(set, |set, source| set.source(source));
        collect(set.read(), problems).filter(|_| problems.len() == found)
    }

    /// What is said by single flags.
    fn choices(
        &self,
        mut builder: ManifestsBuilder,
        global: &Global,
        problems: &mut Vec<Cause>,
    ) -> ManifestsBuilder {
        builder = builder
            .conflicts(match self.conflicts {
                Conflicts::Careful => ConflictPolicy::Careful,
                Conflicts::Refuse => ConflictPolicy::Refuse,
                Conflicts::TakeOver => ConflictPolicy::TakeOver,
            })
            .prune(match self.prune {
                None => Prune::Never,
                Some(Pruned::Safe) => Prune::Safe,
                Some(Pruned::Everything) => Prune::Everything,
            });
        match global.if_busy {
            Busy::Fail => {}
            Busy::Wait => builder = builder.if_busy(IfBusy::Wait),
            Busy::Adopt | Busy::Supersede => problems.push(
                Cause::invalid("--if-busy", "another run of a release cannot be adopted or superseded")
                    .with_hint("use --if-busy wait or fail"),
            ),
        }
        if let Some(number) = self.at_once {
            builder = builder.at_once(number);
        }
        if let Some(text) = &self.stable_for {
            match duration("--stable-for", text) {
                Ok(time) => builder = builder.stable_for(time),
                Err(problem) => problems.push(*problem),
            }
        }
        builder
    }
}

/// Rules that no object of the release is judged by: a mistyped kind would be waited for by nobody.
fn about_nothing(rules: &[Rule], set: &ManifestSet) -> Vec<Cause> {
    let idle = rules.iter().filter(|rule| !set.objects().iter().any(|one| rule.fits(one)));
    idle.map(|rule| {
        let problem = Cause::invalid("--wait-for", format!("--wait-for {rule}: no object in the manifests is that"));
        problem.with_hint("write the kind as in the manifest, Deployment and not deployments, and its group without the version")
    })
    .collect()
}

//! The calls. Answers are read from their JSON, retries and rate limits are [`landfall_aws::call`]'s.

use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use landfall_aws::call::{Call, try_run};
use landfall_aws::near;
use landfall_aws::raw::Exchange;
use landfall_core::event::Level;
use landfall_core::limit::Rate;
use landfall_core::{Context, Error, ErrorKind, Place, Result};

use super::Cluster;
use super::facts::{Described, Listed};

/// Not documented for EKS; a careful rate for the reads of an account and region in this process.
const READS: (f64, f64) = (20.0, 5.0);

/// As many names as a person reads.
const MOST_NAMES: usize = 20;

/// Clocks that differ by less are taken for equal: the server's is told in whole seconds, and the answer took its time.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(5);

pub(super) async fn find(cx: &Context, config: &SdkConfig, place: &Place, name: &str) -> Result<Cluster> {
    let client = aws_sdk_eks::Client::new(&landfall_aws::config::prepared(config));
    let call = read("DescribeCluster", place).on(format!("cluster {name}"));
    let described = try_run(cx, &call, || async {
        let exchange = Exchange::capture();
        let sent =
            client.describe_cluster().name(name).customize().interceptor(exchange.clone()).send().await;
        let answer = exchange.answered(sent)?;
        let described: Described = answer.json("eks DescribeCluster")?;
        Ok((described.cluster, answer.date))
    });
    let (facts, date) = match described.await {
        Ok(described) => described,
        Err(failure) if failure.kind() == ErrorKind::NotFound => {
            return Err(missing(name, place, &clusters(cx, &client, place).await));
        }
        Err(failure) => return Err(failure.into()),
    };
    let updating = facts.status == "UPDATING";
    let cluster = Cluster::judged(facts, name, place, ahead(date, cx.clock().now()))?;
    if updating {
        let text =
            format!("cluster {name} is UPDATING: somebody changes it meanwhile; it can be deployed to");
        cx.note(Level::Info, "cluster-updating", text);
    }
    Ok(cluster)
}

fn read(operation: &'static str, place: &Place) -> Call {
    let (burst, per_second) = READS;
    let key = format!("eks/{}/{}/read", place.account, place.region);
    Call::read("eks", operation).limited(key, Rate::new(burst, per_second))
}

/// By how much the server's clock is ahead.
pub(super) fn ahead(server: Option<Timestamp>, ours: Timestamp) -> SignedDuration {
    let ahead = server.map(|server| server.duration_since(ours)).unwrap_or_default();
    if ahead.abs() < SAME_TIME { SignedDuration::ZERO } else { ahead }
}

/// The clusters that are there, as far as they fit into one page; none when AWS does not tell.
async fn clusters(cx: &Context, client: &aws_sdk_eks::Client, place: &Place) -> Vec<String> {
    let call = read("ListClusters", place);
    let listed = try_run(cx, &call, || async {
        let exchange = Exchange::capture();
        let sent = client.list_clusters().customize().interceptor(exchange.clone()).send().await;
        let listed: Listed = exchange.answered(sent)?.json("eks ListClusters")?;
        Ok(listed.clusters)
    });
    match listed.await {
        Ok(names) => names,
        Err(failure) => {
            let text = format!("the clusters cannot be listed: {}", failure.error());
            cx.note(Level::Debug, "permission-missing", text);
            Vec::new()
        }
    }
}

fn missing(name: &str, place: &Place, there: &[String]) -> Error {
    let mut names: Vec<&str> = there.iter().map(String::as_str).collect();
    names.sort_unstable();
    let seen = match names.len() {
        0 => String::new(),
        all => {
            names.truncate(MOST_NAMES);
            let more =
                if all > MOST_NAMES { format!(" and {} more", all - MOST_NAMES) } else { String::new() };
            format!("; clusters there: {}{more}", names.join(", "))
        }
    };
    let error =
        Error::new(ErrorKind::NotFound, format!("there is no EKS cluster `{name}` in account {place}{seen}"));
    match near::nearest(name, there.iter().map(String::as_str)) {
        Some(other) => {
            error.with_hint(format!("did you mean `{other}`? Otherwise check the account and the region"))
        }
        None => error.with_hint("check the cluster's name, the account and the region"),
    }
}

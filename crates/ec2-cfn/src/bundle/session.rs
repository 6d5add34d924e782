//! A multipart upload that this process is at work on: it packs while it sends.
//!
//! A session is only memory. A process that has none makes one from the upload's id: it packs from the start again, which
//! gives the same bytes, compares what it packs with what S3 has, and sends what is missing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crc_fast::CrcAlgorithm;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use landfall_aws::failure::Failure;
use landfall_core::event::EventKind;
use landfall_core::target::Progress;
use landfall_core::{Context, Error, Result};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::{Arrived, Client, base64};
use super::pack::{Packed, Packing, Part, parts_at_once};
use super::plan::told;
use super::speed::{Speed, time_for, whole};

/// How long a batch begins new parts. What is recorded after it need not be sent again; in between nothing is.
const BATCH: Duration = Duration::from_secs(5);

/// Parts in flight at first: on a slow line more of them would only take longer, all together.
const FIRST_IN_FLIGHT: usize = 4;
/// A part that took no longer makes room for one more.
const QUICK: Duration = Duration::from_secs(2);

/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

type Pulled = JoinHandle<(Packing, Result<Option<Part>>)>;

/// The upload.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) upload_id: String,
    client: Client,
    key: String,
    packing: Option<Packing>,
    pulling: Option<Pulled>,
    /// Parts that were packed before it was known that there is an upload.
    ready: VecDeque<Part>,
    number: i32,
    /// What S3 had when the session began.
    had: BTreeMap<i32, Arrived>,
    /// What it has now, of this archive.
    pub(crate) arrived: BTreeMap<i32, Arrived>,
    pub(crate) checksum: u64,
    pub(crate) size: u64,
    pub(crate) sent: u64,
    pub(crate) kept: u64,
    pub(crate) ended: bool,
    room: usize,
    most: usize,
    began: Instant,
    told: Instant,
    speed: Speed,
    packed: Packed,
    /// The size that the archive seems to come to.
    expected: Option<u64>,
}

/// The next part of a packing; the packing goes to a thread that may block, and comes back.
pub(crate) fn pull(mut packing: Packing) -> Pulled {
    tokio::task::spawn_blocking(move || {
        let part = packing.next_part();
        (packing, part)
    })
}

/// What a thread came back with.
pub(crate) fn came_back<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T> {
    joined.map_err(|error| Error::internal("a thread that packs panicked").with_source(&error))
}

impl Session {
    /// Goes on with an upload of which S3 has these parts.
    pub(crate) fn new(
        client: &Client,
        (key, upload_id): (&str, &str),
        (packing, ready): (Packing, VecDeque<Part>),
        had: BTreeMap<i32, Arrived>,
        part_size: u64,
    ) -> Self {
        let most = parts_at_once(part_size);
        let now = Instant::now();
        Self {
            upload_id: upload_id.to_owned(),
            client: client.clone(),
            key: key.to_owned(),
            packing: Some(packing),
            pulling: None,
            ready,
            number: 0,
            had,
            arrived: BTreeMap::new(),
            checksum: 0,
            size: 0,
            sent: 0,
            kept: 0,
            ended: false,
            room: FIRST_IN_FLIGHT.min(most),
            most,
            began: now,
            told: now,
            speed: Speed::default(),
            packed: Packed::default(),
            expected: None,
        }
    }

    /// Sends parts for a while. True: all of them are there.
    ///
    /// A stop is heard between parts: none is begun any more, and those in flight run to their end.
    pub(crate) async fn batch(&mut self, cx: &Context) -> Result<bool, Failure> {
        let began = Instant::now();
        self.speed.begin(cx.clock().now());
        let mut flying = FuturesUnordered::new();
        loop {
            let more = !self.ended && began.elapsed() < BATCH && !cx.is_cancelled();
            // The part that is packed meanwhile counts: it has to have room before it is there.
            if more && flying.len() < self.room {
                self.prepare();
                tokio::select! {
                    biased;
                    Some(done) = flying.next(), if !flying.is_empty() => self.done(cx, done)?,
                    part = Self::next(&mut self.ready, &mut self.pulling, &mut self.packing) => {
                        if let Some((number, part)) = self.take(part?) {
                            flying.push(send(cx, self.client.clone(), (self.key.clone(), self.upload_id.clone()), number, part));
                        }
                    }
                }
            } else if let Some(done) = flying.next().await {
                self.done(cx, done)?;
            } else {
                self.tell(cx);
                return Ok(self.ended);
            }
        }
    }

    /// Has the next part packed.
    fn prepare(&mut self) {
        if self.ready.is_empty()
            && self.pulling.is_none()
            && let Some(packing) = self.packing.take()
        {
            self.pulling = Some(pull(packing));
        }
    }

    /// The next part; none at the end. May be dropped at any time: nothing is lost.
    async fn next(
        ready: &mut VecDeque<Part>,
        pulling: &mut Option<Pulled>,
        packing: &mut Option<Packing>,
    ) -> Result<Option<Part>> {
        if let Some(part) = ready.pop_front() {
            return Ok(Some(part));
        }
        let Some(pulled) = pulling.as_mut() else { return Ok(None) };
        let joined = pulled.await;
        *pulling = None;
        let (back, part) = came_back(joined)?;
        *packing = Some(back);
        part
    }

    /// Counts a part. Something: it has to be sent.
    fn take(&mut self, part: Option<Part>) -> Option<(i32, Part)> {
        let Some(part) = part else {
            self.ended = true;
            return None;
        };
        self.number += 1;
        let length = part.bytes.len() as u64;
        self.checksum = match self.number {
            1 => part.checksum,
            _ => crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, self.checksum, part.checksum, length),
        };
        self.size += length;
        self.look_ahead();
        let checksum = base64(part.checksum);
        let same = |had: &&Arrived| had.size == length && had.checksum.as_deref() == Some(checksum.as_str());
        if let Some(had) = self.had.get(&self.number).filter(same) {
            self.arrived.insert(self.number, had.clone());
            self.kept += length;
            return None;
        }
        Some((self.number, part))
    }

    fn done(&mut self, cx: &Context, sent: Sent) -> Result<(), Failure> {
        let arrived = sent.arrived?;
        if sent.took <= QUICK {
            self.room = (self.room + 1).min(self.most);
        }
        self.sent += arrived.size;
        self.speed.arrived(cx.clock().now(), arrived.size);
        self.arrived.insert(sent.number, arrived);
        if self.told.elapsed() >= TELL {
            self.tell(cx);
        }
        Ok(())
    }

    /// Estimates the size of the whole archive by what is packed of it. Not while a thread packs.
    fn look_ahead(&mut self) {
        let Some(packing) = &self.packing else { return };
        let ready: u64 = self.ready.iter().map(|part| part.bytes.len() as u64).sum();
        self.expected = whole(self.size + ready + packing.uncut(), packing.share(&mut self.packed));
    }

    fn tell(&mut self, cx: &Context) {
        self.told = Instant::now();
        let done = self.sent + self.kept;
        let total = self.ended.then_some(self.size);
        let mut progress = Progress::new("archive", done, total, "bytes");
        if let Some(rate) = self.speed.per_second(cx.clock().now()) {
            progress = progress.with_rate(rate);
            // What S3 has of the parts to come need not be sent, as far as it is the same.
            let there: u64 = self.had.range(self.number + 1..).map(|(_, had)| had.size).sum();
            if let Some(all) = total.or(self.expected) {
                progress = progress.with_left(time_for(all.saturating_sub(done + there), rate));
            }
        }
        let waiting_for = format!("the archive to be sent: {} there", told(done));
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        cx.emit(EventKind::Progress { waiting_for, progress: vec![progress], elapsed_ms });
    }
}

/// How a part came out.
struct Sent {
    number: i32,
    took: Duration,
    arrived: Result<Arrived, Failure>,
}

async fn send(
    cx: &Context,
    client: Client,
    (key, upload_id): (String, String),
    number: i32,
    part: Part,
) -> Sent {
    let began = Instant::now();
    let arrived = client.upload_part(cx, &key, &upload_id, number, &part).await;
    Sent { number, took: began.elapsed(), arrived }
}

//! The calls: one thin function each.

pub(crate) mod bucket;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
    ServerSideEncryption,
};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use landfall_aws::call::{Call, try_run};
use landfall_aws::failure::Failure;
use landfall_core::{Context, Place};

use super::error::understood;
use super::memory::Object;
use super::pack::Part;
use super::spec::{BundleSpec, Checksums};

/// The client of one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    s3: aws_sdk_s3::Client,
    pub(crate) bucket: String,
    pub(crate) owner: Option<String>,
    kms_key: Option<String>,
    metadata: BTreeMap<String, String>,
    tagging: Option<String>,
    checksums: Checksums,
}

/// An object with what landfall wrote beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) object: Object,
    pub(crate) manifest: Option<String>,
    pub(crate) mark: Option<String>,
    /// CRC64NVME in base64, if the store tells it.
    pub(crate) checksum: Option<String>,
}

/// A part that S3 has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) checksum: Option<String>,
}

/// A multipart upload that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenUpload {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) initiated: Option<Timestamp>,
}

/// What a write is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition<'a> {
    /// Nothing is there.
    Absent,
    /// This is there.
    Is(&'a str),
}

/// What stands beside the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels<'a> {
    pub(crate) manifest: &'a str,
    pub(crate) mark: &'a str,
}

/// The name of the metadata that holds the manifest, and of the one that holds the mark of the attempt.
const MANIFEST: &str = "landfall-manifest";
const MARK: &str = "landfall-run";

/// The slowest line that a part gets through: below it, a connection counts as broken.
const SLOWEST: u64 = 64 * 1024;
/// How long a part may take at least.
const PART_TIMEOUT: Duration = Duration::from_secs(60);

/// A CRC64NVME as S3 writes it.
pub(crate) fn base64(checksum: u64) -> String {
    STANDARD.encode(checksum.to_be_bytes())
}

fn plain(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// Whether requests go to a server that the user names: it may not resolve the bucket's name in front of its own.
fn has_own_endpoint(config: &SdkConfig) -> bool {
    let of_s3 = || {
        let key =
            ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        config.service_config()?.load_config(key.build().ok()?)
    };
    config.endpoint_url().is_some() || of_s3().is_some()
}

impl Client {
    pub(crate) fn new(config: &SdkConfig, spec: &BundleSpec, place: &Place) -> Self {
        let config = landfall_aws::config::prepared(config);
        let mut builder =
            aws_sdk_s3::config::Builder::from(&config).force_path_style(has_own_endpoint(&config));
        // Checksums are computed here, where the bytes are made, and never a second time by the SDK.
        builder = builder
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let tags = form(&spec.tags);
        Self {
            s3: aws_sdk_s3::Client::from_conf(builder.build()),
            bucket: spec.bucket.clone(),
            owner: spec.expected_owner(place),
            kms_key: spec.kms_key.clone(),
            metadata: spec.metadata.clone(),
            tagging: (!tags.is_empty()).then_some(tags),
            checksums: spec.checksums,
        }
    }

    /// Whether checksums and conditions are used.
    pub(crate) fn is_modern(&self) -> bool {
        self.checksums == Checksums::Crc64Nvme
    }

    fn on(&self, call: Call, key: &str) -> Call {
        call.on(format!("s3://{}/{key}", self.bucket))
    }

    fn labelled(&self, labels: Labels<'_>) -> std::collections::HashMap<String, String> {
        let own = [(MANIFEST, labels.manifest), (MARK, labels.mark)];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.metadata.clone().into_iter().chain(own).collect()
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }

    /// Looks at an object, or at one version of it.
    pub(crate) async fn head(
        &self,
        cx: &Context,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<Head>, Failure> {
        let call = self.on(Call::read("s3", "HeadObject"), key);
        let found = try_run(cx, &call, || async {
            let request = self.s3.head_object().bucket(&self.bucket).key(key);
            let request = request.set_version_id(version.map(str::to_owned));
            let request = request.set_checksum_mode(self.is_modern().then_some(ChecksumMode::Enabled));
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await;
        match found {
            Ok(found) => {
                let of = |name: &str| found.metadata().and_then(|metadata| metadata.get(name)).cloned();
                let object = Object {
                    key: key.to_owned(),
                    etag: plain(found.e_tag()),
                    version: found.version_id().filter(|id| *id != "null").map(str::to_owned),
                    size: found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0),
                };
                let (manifest, mark) = (of(MANIFEST), of(MARK));
                Ok(Some(Head {
                    object,
                    manifest,
                    mark,
                    checksum: found.checksum_crc64_nvme().map(str::to_owned),
                }))
            }
            Err(failure) if failure.status() == Some(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads the first byte of an object: a refused HeadObject has no body that says why, this has one.
    pub(crate) async fn first_byte(&self, cx: &Context, key: &str) -> Result<(), Failure> {
        let call = self.on(Call::read("s3", "GetObject"), key);
        try_run(cx, &call, || async {
            let request = self.s3.get_object().bucket(&self.bucket).key(key).range("bytes=0-0");
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| understood(&self.bucket, error))
        })
        .await
    }

    /// Looks at the bucket, as belonging to the expected owner or to anybody.
    pub(crate) async fn head_bucket(&self, cx: &Context, of_owner: bool) -> Result<(), Failure> {
        let call = Call::read("s3", "HeadBucket").on(format!("bucket {}", self.bucket));
        try_run(cx, &call, || async {
            let owner = self.owner.clone().filter(|_| of_owner);
            let request = self.s3.head_bucket().bucket(&self.bucket).set_expected_bucket_owner(owner);
            request.send().await.map(|_| ()).map_err(|error| understood(&self.bucket, error))
        })
        .await
    }

    /// Sends a whole archive.
    pub(crate) async fn put(
        &self,
        cx: &Context,
        key: &str,
        part: &Part,
        labels: Labels<'_>,
        condition: Condition<'_>,
    ) -> Result<Object, Failure> {
        let call = self.on(Call::write("s3", "PutObject"), key);
        let modern = self.is_modern();
        let stored = try_run(cx, &call, || async {
            let request =
                self.s3.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(part.bytes.clone()));
            let request = request.set_metadata(Some(self.labelled(labels))).set_tagging(self.tagging.clone());
            let request = request
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.kms_key.clone())
                .set_checksum_crc64_nvme(modern.then(|| base64(part.checksum)));
            let request = match condition {
                _ if !modern => request,
                Condition::Absent => request.if_none_match("*"),
                Condition::Is(etag) => request.if_match(quoted(etag)),
            };
            let request = request.set_expected_bucket_owner(self.owner.clone());
            let sent = request.customize().config_override(patient(part.bytes.len())).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await?;
        Ok(Object {
            key: key.to_owned(),
            etag: plain(stored.e_tag()),
            version: stored.version_id().filter(|id| *id != "null").map(str::to_owned),
            size: part.bytes.len() as u64,
        })
    }

    /// Begins a multipart upload; answers its id.
    pub(crate) async fn create(
        &self,
        cx: &Context,
        key: &str,
        labels: Labels<'_>,
    ) -> Result<String, Failure> {
        let call = self.on(Call::write("s3", "CreateMultipartUpload"), key);
        let made = try_run(cx, &call, || async {
            let request = self.s3.create_multipart_upload().bucket(&self.bucket).key(key);
            let request = request.set_metadata(Some(self.labelled(labels))).set_tagging(self.tagging.clone());
            let request = request
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.kms_key.clone())
                .set_checksum_algorithm(self.is_modern().then_some(ChecksumAlgorithm::Crc64Nvme))
                .set_checksum_type(self.is_modern().then_some(ChecksumType::FullObject));
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await?;
        Ok(made.upload_id.unwrap_or_default())
    }

    /// Sends a part. Sent again it replaces itself, so that it may be repeated like a read.
    pub(crate) async fn upload_part(
        &self,
        cx: &Context,
        key: &str,
        upload_id: &str,
        number: i32,
        part: &Part,
    ) -> Result<Arrived, Failure> {
        let call = self.on(Call::read("s3", "UploadPart"), key);
        let stored = try_run(cx, &call, || async {
            let request = self.s3.upload_part().bucket(&self.bucket).key(key).upload_id(upload_id);
            let request = request.part_number(number).body(ByteStream::from(part.bytes.clone()));
            let request = request.set_checksum_crc64_nvme(self.is_modern().then(|| base64(part.checksum)));
            let request = request.set_expected_bucket_owner(self.owner.clone());
            let sent = request.customize().config_override(patient(part.bytes.len())).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await?;
        let checksum = stored.checksum_crc64_nvme().map(str::to_owned);
        Ok(Arrived { etag: plain(stored.e_tag()), size: part.bytes.len() as u64, checksum })
    }

    /// The parts that S3 has of an upload.
    pub(crate) async fn list_parts(
        &self,
        cx: &Context,
        key: &str,
        upload_id: &str,
    ) -> Result<BTreeMap<i32, Arrived>, Failure> {
        let call = self.on(Call::read("s3", "ListParts"), key);
        let (mut parts, mut after) = (BTreeMap::new(), None);
        loop {
            let page = try_run(cx, &call, || async {
                let request = self.s3.list_parts().bucket(&self.bucket).key(key).upload_id(upload_id);
                let request = request.set_part_number_marker(after.clone());
                let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
                sent.map_err(|error| understood(&self.bucket, error))
            })
            .await?;
            for part in page.parts() {
                let size = part.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
                let checksum = part.checksum_crc64_nvme().map(str::to_owned);
                let arrived = Arrived { etag: plain(part.e_tag()), size, checksum };
                parts.insert(part.part_number().unwrap_or(0), arrived);
            }
            let next = page.next_part_number_marker().map(str::to_owned);
            if page.is_truncated() != Some(true) || next == after {
                return Ok(parts);
            }
            after = next;
        }
    }

    /// The uploads under way whose keys begin so: the first page, which is a thousand.
    pub(crate) async fn list_uploads(&self, cx: &Context, prefix: &str) -> Result<Vec<OpenUpload>, Failure> {
        let call = self.on(Call::read("s3", "ListMultipartUploads"), prefix);
        let found = try_run(cx, &call, || async {
            let request = self.s3.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await?;
        let upload = |upload: &aws_sdk_s3::types::MultipartUpload| OpenUpload {
            key: upload.key().unwrap_or_default().to_owned(),
            id: upload.upload_id().unwrap_or_default().to_owned(),
            initiated: upload.initiated().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        };
        Ok(found.uploads().iter().map(upload).collect())
    }

    /// Makes one object of the parts. Answers it with the checksum that S3 tells.
    pub(crate) async fn complete(
        &self,
        cx: &Context,
        (key, upload_id): (&str, &str),
        parts: &BTreeMap<i32, Arrived>,
        (size, checksum): (u64, u64),
        condition: Condition<'_>,
    ) -> Result<(Object, Option<String>), Failure> {
        let call = self.on(Call::write("s3", "CompleteMultipartUpload"), key);
        let modern = self.is_modern();
        let listed = parts.iter().map(|(number, part)| {
            let listed = CompletedPart::builder().part_number(*number).e_tag(quoted(&part.etag));
            listed.set_checksum_crc64_nvme(part.checksum.clone().filter(|_| modern)).build()
        });
        let listed = CompletedMultipartUpload::builder().set_parts(Some(listed.collect())).build();
        let stored = try_run(cx, &call, || async {
            let request =
                self.s3.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload_id);
            let request = request
                .multipart_upload(listed.clone())
                .set_mpu_object_size(modern.then_some(size as i64))
                .set_checksum_type(modern.then_some(ChecksumType::FullObject))
                .set_checksum_crc64_nvme(modern.then(|| base64(checksum)));
            let request = match condition {
                _ if !modern => request,
                Condition::Absent => request.if_none_match("*"),
                Condition::Is(etag) => request.if_match(quoted(etag)),
            };
            let request = request.set_expected_bucket_owner(self.owner.clone());
            // S3 may take minutes for a large object: "Completing a multipart upload", user guide.
            let sent = request.customize().config_override(patient(0)).send().await;
            sent.map_err(|error| understood(&self.bucket, error))
        })
        .await?;
        let object = Object {
            key: key.to_owned(),
            etag: plain(stored.e_tag()),
            version: stored.version_id().filter(|id| *id != "null").map(str::to_owned),
            size,
        };
        Ok((object, stored.checksum_crc64_nvme().map(str::to_owned)))
    }

    /// Removes an upload; one that is gone already is fine. May be repeated.
    pub(crate) async fn abort(&self, cx: &Context, key: &str, upload_id: &str) -> Result<(), Failure> {
        let call = self.on(Call::read("s3", "AbortMultipartUpload"), key);
        let removed = try_run(cx, &call, || async {
            let request = self.s3.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload_id);
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| understood(&self.bucket, error))
        })
        .await;
        match removed {
            Err(failure) if failure.code() == Some("NoSuchUpload") => Ok(()),
            other => other,
        }
    }

    /// Deletes a version, or hides the object behind a delete marker.
    pub(crate) async fn delete(&self, cx: &Context, key: &str, version: Option<&str>) -> Result<(), Failure> {
        let call = self.on(Call::write("s3", "DeleteObject"), key);
        try_run(cx, &call, || async {
            let request = self.s3.delete_object().bucket(&self.bucket).key(key);
            let request = request.set_version_id(version.map(str::to_owned));
            let sent = request.set_expected_bucket_owner(self.owner.clone()).send().await;
            sent.map(|_| ()).map_err(|error| understood(&self.bucket, error))
        })
        .await
    }
}

/// Timeouts by how much is sent.
fn patient(bytes: usize) -> aws_sdk_s3::config::Builder {
    let limit = PART_TIMEOUT.max(Duration::from_secs(bytes as u64 / SLOWEST));
    let timeouts = TimeoutConfig::builder().read_timeout(limit).operation_attempt_timeout(limit);
    let timeouts = timeouts.connect_timeout(landfall_aws::config::CONNECT_TIMEOUT).build();
    aws_sdk_s3::config::Builder::new().timeout_config(timeouts)
}

/// As `x-amz-tagging` carries tags.
fn form(tags: &BTreeMap<String, String>) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = tags.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

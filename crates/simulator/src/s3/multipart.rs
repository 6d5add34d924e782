//! Multipart uploads. Limits: "Amazon S3 multipart upload limits", user guide.

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3Result};

use super::checksum::{Algorithm, Checksum, claimed, show};
use super::error;
use super::object::{check_condition, hex, single, verify};
use super::service::{Caller, time};
use super::store::{Attributes, BucketState, Content, PartState, S3Store, Store, Upload};

/// All parts but the last have at least 5 MiB.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// Pages have at most this many entries.
const PAGE: i32 = 1_000;

pub(crate) fn create(
    store: &mut Store,
    caller: &Caller,
    input: &CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    let algorithm = match &input.checksum_algorithm {
        Some(name) => Algorithm::named(name.as_str())
            .ok_or_else(|| error::invalid_request("Checksum algorithm provided is unsupported."))?,
        None => Algorithm::Crc64Nvme,
    };
    let checksum_type = checksum_type(algorithm, input.checksum_type.as_ref())?;
    let id = store.ids.word21() + &store.ids.word21();
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let attributes = Attributes {
        metadata: input.metadata.clone().unwrap_or_default(),
        content_type: input.content_type.clone(),
        server_side_encryption: input.server_side_encryption.as_ref().map(|name| name.as_str().to_owned()),
        kms_key: input.ssekms_key_id.clone(),
        tagging: input.tagging.clone(),
    }
    .encrypted_in(bucket);
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(id.clone()),
        checksum_algorithm: input.checksum_algorithm.clone(),
        checksum_type: Some(ChecksumType::from(checksum_type.to_owned())),
        server_side_encryption: attributes.encryption(),
        ssekms_key_id: attributes.kms_key.clone(),
        ..CreateMultipartUploadOutput::default()
    };
    let upload = Upload {
        key: input.key.clone(),
        initiated: caller.now,
        initiator: caller.arn.clone(),
        algorithm,
        checksum_type,
        attributes,
        parts: Default::default(),
    };
    bucket.uploads.insert(id, upload);
    Ok(output)
}

/// The type of an upload's checksum. Which there are for which algorithm: "Full object and composite checksum types".
fn checksum_type(algorithm: Algorithm, wanted: Option<&ChecksumType>) -> S3Result<&'static str> {
    let (full, composite) = (ChecksumType::FULL_OBJECT, ChecksumType::COMPOSITE);
    let refused = |wanted: &str| {
        let name = algorithm.name().to_lowercase();
        error::invalid_request(format!(
            "The {wanted} checksum type cannot be used with the {name} checksum algorithm."
        ))
    };
    match (algorithm, wanted.map(ChecksumType::as_str)) {
        (Algorithm::Crc64Nvme, Some(ChecksumType::COMPOSITE)) => Err(refused(composite)),
        (Algorithm::Sha1 | Algorithm::Sha256, Some(ChecksumType::FULL_OBJECT)) => Err(refused(full)),
        (Algorithm::Crc64Nvme, _) | (_, Some(ChecksumType::FULL_OBJECT)) => Ok(full),
        _ => Ok(composite),
    }
}

/// The bytes of a part that has arrived, and what its trailer claims of them.
pub(crate) struct Arrived {
    body: Bytes,
    trailer: Vec<Checksum>,
    md5: [u8; 16],
}

impl Arrived {
    pub(crate) fn new(body: Bytes, trailer: Vec<Checksum>) -> Self {
        let md5 = Md5::checksum(&body);
        Self { body, trailer, md5 }
    }
}

fn find<'a>(bucket: &'a mut BucketState, key: &str, id: &str) -> S3Result<&'a mut Upload> {
    bucket.uploads.get_mut(id).filter(|upload| upload.key == key).ok_or_else(error::no_such_upload)
}

/// The store is locked twice, so that checksums of parts that arrive at once are computed at once.
pub(crate) fn upload_part(
    store: &S3Store,
    caller: &Caller,
    input: &UploadPartInput,
    part: Arrived,
) -> S3Result<UploadPartOutput> {
    store.lock().received += part.body.len() as u64;
    if !(1..=10_000).contains(&input.part_number) {
        return Err(error::invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
    }
    let claimed = single(claimed!(input), part.trailer)?;
    let algorithm = {
        let mut store = store.lock();
        let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
        find(bucket, &input.key, &input.upload_id)?.algorithm
    };
    let checksum = algorithm.of(&part.body);
    match &claimed {
        Some(claimed) if claimed.algorithm != algorithm => {
            verify(Some(claimed), &claimed.algorithm.of(&part.body))?;
        }
        claimed => verify(claimed.as_ref(), &checksum)?,
    }
    let mut store = store.lock();
    let blob = store.spool.keep(part.body).map_err(S3Error::internal_error)?;
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let upload = find(bucket, &input.key, &input.upload_id)?;
    let mut output = UploadPartOutput {
        e_tag: Some(ETag::Strong(hex(&part.md5))),
        server_side_encryption: upload.attributes.encryption(),
        ..UploadPartOutput::default()
    };
    show!(output, &Some(checksum.clone()));
    upload.parts.insert(input.part_number, PartState { blob, md5: part.md5, checksum, modified: caller.now });
    Ok(output)
}

pub(crate) fn list_parts(
    store: &mut Store,
    caller: &Caller,
    input: &ListPartsInput,
) -> S3Result<ListPartsOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let upload = find(bucket, &input.key, &input.upload_id)?;
    let (after, most) =
        (input.part_number_marker.unwrap_or(0), input.max_parts.unwrap_or(PAGE).clamp(1, PAGE));
    let mut later = upload.parts.range(after + 1..);
    let page: Vec<(i32, &PartState)> =
        later.by_ref().take(most as usize).map(|(number, part)| (*number, part)).collect();
    let truncated = later.next().is_some();
    let entry = |(number, part): &(i32, &PartState)| {
        let mut entry = Part {
            part_number: Some(*number),
            e_tag: Some(ETag::Strong(hex(&part.md5))),
            size: Some(part.blob.length() as i64),
            last_modified: Some(time(part.modified)),
            ..Part::default()
        };
        show!(entry, &Some(part.checksum.clone()));
        entry
    };
    Ok(ListPartsOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(input.upload_id.clone()),
        checksum_algorithm: Some(ChecksumAlgorithm::from(upload.algorithm.name().to_owned())),
        checksum_type: Some(ChecksumType::from(upload.checksum_type.to_owned())),
        is_truncated: Some(truncated),
        max_parts: Some(most),
        part_number_marker: Some(after),
        next_part_number_marker: page.last().map(|(number, _)| *number),
        parts: Some(page.iter().map(entry).collect()),
        ..ListPartsOutput::default()
    })
}

pub(crate) fn list_uploads(
    store: &mut Store,
    caller: &Caller,
    input: &ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let most = input.max_uploads.unwrap_or(PAGE).clamp(1, PAGE);
    let mut found: Vec<(&String, &Upload)> =
        bucket.uploads.iter().filter(|(_, upload)| upload.key.starts_with(&prefix)).collect();
    found.sort_by_key(|(id, upload)| (&upload.key, upload.initiated, *id));
    let after = |(id, upload): &&(&String, &Upload)| match (&input.key_marker, &input.upload_id_marker) {
        (Some(key), Some(marker)) => (&upload.key, *id) > (key, marker),
        (Some(key), None) => upload.key > *key,
        _ => true,
    };
    let mut later = found.iter().filter(after);
    let page: Vec<&(&String, &Upload)> = later.by_ref().take(most as usize).collect();
    let truncated = later.next().is_some();
    let entry = |(id, upload): &&(&String, &Upload)| MultipartUpload {
        key: Some(upload.key.clone()),
        upload_id: Some((*id).clone()),
        initiated: Some(time(upload.initiated)),
        initiator: Some(Initiator { id: Some(upload.initiator.clone()), display_name: None }),
        checksum_algorithm: Some(ChecksumAlgorithm::from(upload.algorithm.name().to_owned())),
        checksum_type: Some(ChecksumType::from(upload.checksum_type.to_owned())),
        ..MultipartUpload::default()
    };
    let last = page.last().filter(|_| truncated);
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket.clone()),
        prefix: input.prefix.clone(),
        is_truncated: Some(truncated),
        max_uploads: Some(most),
        next_key_marker: last.map(|(_, upload)| upload.key.clone()),
        next_upload_id_marker: last.map(|(id, _)| (*id).clone()),
        uploads: Some(page.iter().map(entry).collect()),
        ..ListMultipartUploadsOutput::default()
    })
}

pub(crate) fn complete(
    store: &mut Store,
    caller: &Caller,
    input: &CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let claimed = single(claimed!(input), Vec::new())?;
    let opaque = store.ids.hex32();
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    let upload = find(bucket, &input.key, &input.upload_id)?.clone();
    check_condition(bucket.current(&input.key), input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let parts = chosen(&upload, input)?;
    let blob = super::blob::Blob::joined(parts.iter().map(|part| &part.blob));
    if let Some(said) = input.mpu_object_size
        && said as u64 != blob.length()
    {
        let length = blob.length();
        return Err(error::invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {said} does not match what was computed: {length}"
        )));
    }
    let checksum = if upload.checksum_type == ChecksumType::FULL_OBJECT {
        upload.algorithm.of_whole(parts.iter().map(|part| (&part.checksum, part.blob.length())))
    } else {
        upload.algorithm.of_parts(parts.iter().map(|part| &part.checksum))
    };
    if let (Some(claimed), Some(checksum)) = (&claimed, &checksum)
        && claimed.algorithm == upload.algorithm
    {
        verify(Some(claimed), checksum)?;
    }
    let digests: Vec<u8> = parts.iter().flat_map(|part| part.md5).collect();
    let digest = if upload.attributes.opaque_etag() { opaque } else { hex(&Md5::checksum(&digests)) };
    let count = parts.len();
    let content = Content {
        blob,
        etag: format!("{digest}-{count}"),
        checksum,
        checksum_type: upload.checksum_type,
        attributes: upload.attributes,
        parts: Some(count),
    };
    bucket.uploads.remove(&input.upload_id);
    let mut output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        e_tag: Some(ETag::Strong(content.etag.clone())),
        checksum_type: Some(ChecksumType::from(content.checksum_type.to_owned())),
        server_side_encryption: content.encryption(),
        ssekms_key_id: content.attributes.kms_key.clone(),
        ..CompleteMultipartUploadOutput::default()
    };
    show!(output, &content.checksum);
    output.version_id = store.keep(&input.bucket, &input.key, Some(content), caller);
    Ok(output)
}

/// The parts that a request lists, in its order.
fn chosen(upload: &Upload, input: &CompleteMultipartUploadInput) -> S3Result<Vec<PartState>> {
    let listed = input.multipart_upload.as_ref().and_then(|upload| upload.parts.clone()).unwrap_or_default();
    if listed.is_empty() {
        return Err(error::invalid_request("You must specify at least one part"));
    }
    let mut parts = Vec::with_capacity(listed.len());
    let mut before = 0;
    for entry in &listed {
        let number = entry.part_number.unwrap_or(0);
        if number <= before {
            return Err(error::invalid_part_order());
        }
        before = number;
        let part = upload.parts.get(&number).ok_or_else(error::invalid_part)?;
        let same_tag = entry.e_tag.as_ref().is_some_and(|tag| tag.value() == hex(&part.md5));
        let claims = claimed!(entry);
        if !same_tag
            || claims.iter().any(|claim| claim.algorithm == upload.algorithm && *claim != part.checksum)
        {
            return Err(error::invalid_part());
        }
        parts.push(part.clone());
    }
    let (_, all_but_last) = parts.split_last().ok_or_else(error::invalid_part)?;
    if all_but_last.iter().any(|part| part.blob.length() < SMALLEST_PART) {
        return Err(error::too_small());
    }
    Ok(parts)
}

pub(crate) fn abort(
    store: &mut Store,
    caller: &Caller,
    input: &AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let bucket = store.bucket(&input.bucket, input.expected_bucket_owner.as_ref(), caller)?;
    find(bucket, &input.key, &input.upload_id)?;
    bucket.uploads.remove(&input.upload_id);
    Ok(AbortMultipartUploadOutput::default())
}

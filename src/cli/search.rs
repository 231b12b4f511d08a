//! `mtls-lab search RUN --text "red fruit"` or `--image photo.png`.

use super::DeviceArguments;
use super::eval::json;
use super::run_folder::RunFolder;
use clap::Args;
use mtls_lab::analyze::Hit;
use mtls_lab::config::ImageFeatures;
use mtls_lab::device;
use mtls_lab::error::{Error, Result};
use mtls_lab::features::{decode, query};
use mtls_lab::lab::{Lab, Moment};
use std::path::PathBuf;

#[derive(Args)]
pub struct SearchArguments {
    /// Folder written by `train --out`, or an experiment (.mtls).
    run: PathBuf,
    /// Any text, in words.
    #[arg(long, required_unless_present = "image", conflicts_with = "image")]
    text: Option<String>,
    /// A PNG, JPEG, WebP or GIF file.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// How many of each.
    #[arg(short = 'k', long = "top", default_value_t = 10)]
    k: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArguments,
}

pub async fn run(arguments: SearchArguments) -> Result<()> {
    let opened = device::open(arguments.device.device, &Default::default()).await?;
    let (session, source) = RunFolder::open(&arguments.run)?.session(opened.device.clone())?;
    let mut lab = Lab::new(session)?;
    let found = match (&arguments.text, &arguments.image) {
        (Some(text), _) => lab.search_text(text, arguments.k, Moment::Now).await?,
        (None, Some(path)) => {
            let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
            let name = path.display().to_string();
            let kind = lab.session().inputs().image_features();
            let pack = if kind == ImageFeatures::Given { Some(source.encoder()?) } else { None };
            let own = lab.session().corpus().projection.clone();
            let tile = decode::decode(&name, &bytes, query::side(kind))?;
            let raw = query::features(tile, kind, pack.as_ref(), own.as_ref(), &opened.device).await?;
            lab.search_features(raw, arguments.k, Moment::Now).await?
        }
        (None, None) => return Err(Error::Config("give --text or --image".to_owned())),
    };
    if arguments.json {
        let named = |hits: &[Hit]| -> Vec<serde_json::Value> {
            let items = &lab.session().corpus().items;
            hits.iter()
                .map(|h| serde_json::json!({"item": h.index, "key": items[h.index].key, "title": items[h.index].title, "score": h.score}))
                .collect()
        };
        println!("{}", json(&serde_json::json!({"images": named(&found.images), "texts": named(&found.texts)}))?);
        return Ok(());
    }
    for (name, hits) in [("pictures", &found.images), ("texts", &found.texts)] {
        println!("{name}");
        for hit in hits {
            let item = &lab.session().corpus().items[hit.index];
            println!("  {:.3}  {}  ({})", hit.score, item.title, item.key);
        }
    }
    Ok(())
}

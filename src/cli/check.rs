//! `mtls-lab check`: what is to be said about data of one's own before it is trained on.

use super::eval::json;
use super::source::Source;
use clap::Args;
use mtls_lab::data::check::{Check, Kind};
use mtls_lab::error::Result;

/// Looks at pictures and captions, and trains nothing.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// A folder, a zip or a tar of pictures with captions (docs/formats.md).
    data: String,
    /// Everything as JSON, with the numbers of the pictures.
    #[arg(long)]
    json: bool,
}

fn sentence(kind: Kind) -> &'static str {
    match kind {
        Kind::Problems => "rows with a problem (below)",
        Kind::NoCaption => "pictures without a caption: left out",
        Kind::SamePicture => "pictures that are there more than once",
        Kind::NearDuplicates => "pictures that look nearly the same: kept on one side of the split",
        Kind::SameCaption => "pictures that share a caption with another",
        Kind::LabelInCaption => "captions that name their label",
        Kind::Languages => "pictures with captions in another language than most",
        Kind::Dominant => "pictures of one label, which has most of them",
        Kind::RareLabels => "pictures whose label fewer than three have",
        Kind::Leak => "held-out pictures that resemble training pictures",
        Kind::Few => "pairs only: the numbers will say little",
    }
}

pub fn run(arguments: &CheckArguments) -> Result<()> {
    let check: Check = Source::parse(&arguments.data, &[], false)?.check()?;
    if arguments.json {
        println!("{}", json(&check)?);
        return Ok(());
    }
    let split = if check.own_split { "as the split column says" } else { "look-alikes kept together" };
    let train = check.usable - check.held_out;
    println!("{} pairs: {train} to learn from, {} held out, {split}", check.usable, check.held_out);
    for finding in &check.findings {
        println!("{:>6} {}", finding.count, sentence(finding.kind));
    }
    for p in &check.problems {
        println!("row {}{}{}: {}", p.row, if p.file.is_empty() { "" } else { " " }, p.file, p.problem);
    }
    Ok(())
}

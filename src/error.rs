//! One error type. Every variant is a sentence that names the input and, where there is one, the remedy.

/// Everything that can go wrong in the engine.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A setting is out of range or contradicts another one.
    #[error("configuration: {0}")]
    Config(String),
    /// The data cannot be used as it is (too few pairs, no text, shapes that do not fit).
    #[error("data: {0}")]
    Data(String),
    /// A file of ours (pack, snapshot, experiment) is damaged, truncated or of another version.
    #[error("{file}: {problem}")]
    Format {
        /// Which file or part.
        file: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {problem}")]
    Io {
        /// The path.
        path: String,
        /// The operating system's sentence.
        problem: String,
    },
    /// A picture could not be decoded.
    #[error("image {name}: {problem}")]
    Image {
        /// Name of the picture.
        name: String,
        /// The decoder's sentence.
        problem: String,
    },
    /// The device is missing, was lost or computes wrongly.
    #[error("device: {0}")]
    Device(String),
    /// Training produced a number that is not finite.
    #[error("training diverged at step {step}: {what} is not finite; lower the learning rate or the transfer weights")]
    Diverged {
        /// Optimiser step, counted from 1.
        step: usize,
        /// The term that broke first.
        what: String,
    },
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A damaged or foreign file.
    pub fn format(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Format { file: file.into(), problem: problem.into() }
    }

    /// An I/O error with its path.
    pub fn io(path: impl AsRef<std::path::Path>, error: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().display().to_string(), problem: error.to_string() }
    }
}

#[cfg(feature = "gpu")]
impl From<burn::tensor::ExecutionError> for Error {
    fn from(error: burn::tensor::ExecutionError) -> Self {
        Self::Device(error.to_string())
    }
}

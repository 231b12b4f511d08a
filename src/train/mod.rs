//! Training: batches, one iteration, and the session that is pumped.

pub mod batches;
pub mod event;
pub mod index;
pub mod inputs;
pub mod optimiser;
pub mod reference;
pub mod session;
pub mod snapshot;
pub mod start;
pub mod trainer;

pub use event::Event;
pub use session::Session;

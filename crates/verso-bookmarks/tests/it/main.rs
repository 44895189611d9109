//! Files of bookmarks as browsers write them, as nobody should, and as we do.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod hostile;
mod reading;
mod writing;
